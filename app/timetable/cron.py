"""The five fields of cron, in UTC, where every day has each hour once."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from app.errors import BadRequest

# Name, lowest and highest value of each field. A week begins with Sunday, which is 0 and 7.
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
# Every month has each weekday, and in eight years there is a 29 February; what did not come by then never does.
_REACH = timedelta(days=8 * 366)


@dataclass(frozen=True, slots=True)
class Cron:
    """`words`: five fields as crontab(5) writes them, with numbers, `*`, ranges, lists and steps. Always UTC."""

    words: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def __str__(self) -> str:
        return f"cron {self.words} UTC"

    def latest(self, now: datetime) -> datetime:
        """The last due instant that is not after `now`."""
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for back in range(_REACH.days):
            on = day - timedelta(days=back)
            found = [due for due in self._on(on) if due <= now]
            if found:
                return found[-1]
        raise AssertionError("A pattern that never matches was let in.")

    def next(self, after: datetime) -> datetime:
        """The first due instant that is after `after`."""
        day = after.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for ahead in range(_REACH.days):
            found = next((due for due in self._on(day + timedelta(days=ahead)) if due > after), None)
            if found:
                return found
        raise AssertionError("A pattern that never matches was let in.")

    def _on(self, day: datetime) -> list[datetime]:
        if not self._has(day):
            return []
        date = day.date()
        return [datetime.combine(date, time(hour, minute), UTC) for hour in self.hours for minute in self.minutes]

    def _has(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        # crontab(5): where both days are named, either will do.
        if len(self.days) < 31 and len(self.weekdays) < 7:  # noqa: PLR2004 - all of them
            return by_month or by_week
        return by_month and by_week


def read(words: str) -> Cron:
    """
    Raises:
        BadRequest: these are no five fields, or they never come true.
    """
    parts = words.split()
    if len(parts) != len(_FIELDS):
        raise BadRequest("A cron pattern has five fields: minute, hour, day of the month, month, day of the week.")
    minutes, hours, days, months, weekdays = (
        _values(part, name, low, high) for part, (name, low, high) in zip(parts, _FIELDS, strict=True)
    )
    cron = Cron(
        " ".join(parts),
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        frozenset(days),
        frozenset(months),
        frozenset(day % 7 for day in weekdays),
    )
    start = datetime(2024, 1, 1, tzinfo=UTC)  # a leap year is near
    if not any(cron._has(start + timedelta(days=number)) for number in range(_REACH.days)):
        raise BadRequest("There is no such day in any month.")
    return cron


def _values(part: str, name: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for piece in part.split(","):
        span, slash, step = piece.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            bounds = (low, high)
        elif dash:
            bounds = (_number(first, name, low, high), _number(last, name, low, high))
        else:
            start = _number(first, name, low, high)
            bounds = (start, high if slash else start)
        by = _number(step, name, 1, high) if slash else 1
        if bounds[0] > bounds[1]:
            raise BadRequest(f"In the {name}, {span} runs backwards.")
        found |= set(range(bounds[0], bounds[1] + 1, by))
    return found


def _number(text: str, name: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 3 and low <= int(text) <= high):  # noqa: PLR2004
        raise BadRequest(f"The {name} is a number from {low} to {high}, a range, a list, or *.")
    return int(text)
