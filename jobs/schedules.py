"""When a job is due, as pure arithmetic: the latest due instant up to now, and the next one after."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Every:
    """Every so many seconds, counted from 1970, so that every clock means the same instants."""

    seconds: int

    def __str__(self) -> str:
        return f"every {self.seconds} s"

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


Schedule = Every | Daily
