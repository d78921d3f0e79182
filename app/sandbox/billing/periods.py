"""Billing periods: counted from an anchor, so that the 31st comes back after February. Unix seconds, UTC.

A month ends where the anchor's day of the month is, or on the month's last day when it has no such day.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime

DAY = 86_400
SECONDS = {"day": DAY, "week": 7 * DAY}
MONTHS = {"month": 1, "year": 12}
INTERVALS = ("day", "week", "month", "year")


def add(anchor: int, interval: str, count: int, *, day: int | None = None) -> int:
    """`count` intervals after (or before) the anchor; `day` is the day of the month that was wished for."""
    if interval in SECONDS:
        return anchor + count * SECONDS[interval]
    start = datetime.fromtimestamp(anchor, UTC)
    months = start.year * 12 + start.month - 1 + count * MONTHS[interval]
    year, month = divmod(months, 12)
    last = monthrange(year, month + 1)[1]
    return int(start.replace(year=year, month=month + 1, day=min(day or start.day, last)).timestamp())


def around(moment: int, anchor: int, interval: str, count: int, *, day: int | None = None) -> tuple[int, int]:
    """The period `start <= moment < end` on the grid of the anchor."""
    step = _steps_between(anchor, moment, interval) // count
    while add(anchor, interval, step * count, day=day) > moment:
        step -= 1
    while add(anchor, interval, (step + 1) * count, day=day) <= moment:
        step += 1
    return add(anchor, interval, step * count, day=day), add(anchor, interval, (step + 1) * count, day=day)


def _steps_between(anchor: int, moment: int, interval: str) -> int:
    """About so many intervals lie between; never far off."""
    if interval in SECONDS:
        return (moment - anchor) // SECONDS[interval]
    first, second = datetime.fromtimestamp(anchor, UTC), datetime.fromtimestamp(moment, UTC)
    return ((second.year - first.year) * 12 + second.month - first.month) // MONTHS[interval]


def shown(moment: int) -> str:
    """`5 Nov 2026`, as Stripe's line descriptions write it."""
    when = datetime.fromtimestamp(moment, UTC)
    return f"{when.day} {when:%b %Y}"
