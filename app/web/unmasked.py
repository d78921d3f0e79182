"""Whose data somebody sees in full for ten minutes, although their role masks it: kept with the session, gone with it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

LASTS = timedelta(minutes=10)
# A person at a desk looks at one or two at a time; more is a list.
AT_ONCE = 5

Kept = dict[str, dict[str, Any]]


class Shown(NamedTuple):
    """One customer until an instant, and with them the customers who counted as the same person when it was asked for."""

    customer_id: str
    until: datetime
    ids: frozenset[str]


def still_shown(kept: Kept | None, now: datetime) -> tuple[Shown, ...]:
    """What is not over yet of `staff_sessions.unmasked`."""
    every = [
        Shown(key, datetime.fromisoformat(one["until"]), frozenset([key, *one["with"]]))
        for key, one in (kept or {}).items()
    ]
    return tuple(shown for shown in every if shown.until > now)


def to_keep(shown: Iterable[Shown]) -> Kept:
    """The other way round."""
    return {
        one.customer_id: {"until": one.until.isoformat(), "with": sorted(one.ids - {one.customer_id})} for one in shown
    }


def without(kept: Kept | None, customer_id: str, now: datetime) -> list[Shown]:
    """What is left when nobody looks at this customer any more."""
    return [shown for shown in still_shown(kept, now) if customer_id not in shown.ids]
