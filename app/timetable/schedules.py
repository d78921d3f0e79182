"""When a job is due, as pure arithmetic: the latest due instant up to now, and the next one after."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.errors import BadRequest
from app.timetable import cron
from app.timetable.cron import Cron

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_EVERY = re.compile(r"every\s+(?:(\d{1,6})\s*)?(s|seconds?|min|minutes?|h|hours?|d|days?)")
_DAILY = re.compile(r"(?:daily|every day)\s+at\s+(\d{1,2}):(\d{2})(?:\s+(\S+))?", re.IGNORECASE)
SHORTEST, LONGEST = 5, 31 * 86_400


@dataclass(frozen=True, slots=True)
class Every:
    """Every so many seconds, counted from 1970, so that every clock means the same instants."""

    seconds: int

    def __str__(self) -> str:
        size, unit = next((size, unit) for size, unit in _UNITS if self.seconds % size == 0)
        number = self.seconds // size
        return f"every {unit}" if number == 1 else f"every {number} {unit}s"

    def latest(self, now: datetime) -> datetime:
        """The last due instant that is not after `now`."""
        step = timedelta(seconds=self.seconds)
        return _EPOCH + (now - _EPOCH) // step * step

    def next(self, after: datetime) -> datetime:
        """The first due instant that is after `after`."""
        return self.latest(after) + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a local day. In the night that repeats an hour it is the first time, in the night that skips one an hour later."""

    at: time
    zone: str = "UTC"

    def __str__(self) -> str:
        return f"daily at {self.at:%H:%M} {self.zone}"

    def latest(self, now: datetime) -> datetime:
        """The last due instant that is not after `now`."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        due = self._on(today)
        return due if due <= now else self._on(today - timedelta(days=1))

    def next(self, after: datetime) -> datetime:
        """The first due instant that is after `after`."""
        today = after.astimezone(ZoneInfo(self.zone)).date()
        due = self._on(today)
        return due if due > after else self._on(today + timedelta(days=1))

    def _on(self, day: date) -> datetime:
        # fold=0: of two equal local times the first; of one that does not exist, what the offset before the change makes of it.
        return datetime.combine(day, self.at, ZoneInfo(self.zone)).astimezone(UTC)


Schedule = Every | Daily | Cron


def read(words: str) -> Schedule:
    """A schedule as a person writes it: `every 5 minutes`, `daily at 03:15 Europe/Berlin`, or the five fields of cron (UTC).

    What `str` says of a schedule reads as the same one.
    Raises:
        BadRequest: it is none of these, in words.
    """
    text = " ".join(words.split())
    if found := _DAILY.fullmatch(text):
        return _daily(int(found[1]), int(found[2]), found[3] or "UTC")
    if found := _EVERY.fullmatch(text.lower()):
        size = next(size for size, unit in _UNITS if unit.startswith(found[2][0]))
        seconds = int(found[1] or 1) * size
        if not SHORTEST <= seconds <= LONGEST:
            raise BadRequest("At most every 5 seconds, and at least every 31 days.")
        return Every(seconds)
    if text.lower().startswith("cron "):
        text = text[5:].removesuffix(" UTC")
    if text[:1].isdigit() or text[:1] == "*":
        return cron.read(text)
    raise BadRequest(
        "Write “every 5 minutes”, “daily at 03:15 Europe/Berlin”, or five fields of cron, which are in UTC."
    )


def coming(schedule: Schedule, after: datetime, count: int = 5) -> list[datetime]:
    """The next due instants."""
    found = [after]
    for _ in range(count):
        found.append(schedule.next(found[-1]))
    return found[1:]


def _daily(hour: int, minute: int, zone: str) -> Daily:
    try:
        at, _ = time(hour, minute), ZoneInfo(zone)
    except (ValueError, OSError, LookupError) as error:
        raise BadRequest("A day has the times 00:00 to 23:59, and a zone a name like Europe/Berlin.") from error
    return Daily(at, zone)
