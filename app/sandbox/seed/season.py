"""When people buy: more every month, more at weekends and before Christmas, and hardly at night."""

from __future__ import annotations

import random
from datetime import UTC, datetime

DAY = 86_400
_WEEKDAYS = (0.95, 0.92, 0.94, 0.98, 1.1, 1.16, 1.1)
_MONTHS = (0.86, 0.88, 0.95, 0.96, 0.98, 0.94, 0.88, 0.9, 1.0, 1.04, 1.26, 1.35)
_HOURS = (4, 2, 1, 1, 1, 2, 4, 8, 12, 14, 15, 16, 18, 17, 15, 15, 16, 18, 21, 24, 25, 22, 15, 9)


def weight(day: int, start: int, until: int) -> float:
    """How busy the day that begins at this Unix second is; the shop grows to three times its first size."""
    date = datetime.fromtimestamp(day, UTC)
    grown = 0.5 + max(day - start, 0) / (until - start)
    return _WEEKDAYS[date.weekday()] * _MONTHS[date.month - 1] * grown


def moment(rng: random.Random, day: int, hours: int) -> int:
    """A second of this UTC day at which somebody `hours` ahead of UTC is likely to be awake."""
    local = rng.choices(range(24), _HOURS)[0] * 3_600 + rng.randrange(3_600)
    return day + (local - hours * 3_600) % DAY
