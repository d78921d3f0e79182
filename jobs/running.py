"""The run that this thread is at: what it was told, and what it says of itself."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app import clock
from app.logs import redact, redact_error, told
from app.timetable.lines import Parameter

_LONGEST_LINE = 1_000
# A run that has more to say is cut short; the log of the process has it all.
MOST_LINES = 500


@dataclass
class Run:
    """due_at: the due time this run is for, in UTC. dry: say what would be done, and do nothing.

    Safe to use from many threads.
    """

    due_at: datetime = field(default_factory=clock.now)
    parameters: dict[str, Any] = field(default_factory=dict)
    dry: bool = False
    done: int | None = None
    skipped: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _lines: list[dict[str, Any]] = field(default_factory=list)
    _said: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def told(self, parameter: Parameter) -> int:
        """What it was told, else the usual."""
        return int(self.parameters.get(parameter.name, parameter.default))

    def did(self, number: int = 1) -> None:
        """So many more are done; shown while it runs."""
        with self._guard:
            self.done = (self.done or 0) + number

    def skip(self, reason: str, number: int = 1) -> None:
        """So many were left alone, and why."""
        with self._guard:
            self.skipped += number
            self.reasons[reason] += number

    def fail(self, reason: str, number: int = 1) -> None:
        """So many did not work out, and why."""
        with self._guard:
            self.failed += number
            self.reasons[redact_error(reason)[:_LONGEST_LINE]] += number

    def say(self, text: str, *, level: str = "info", at: datetime | None = None) -> None:
        """One line for the page of the run."""
        with self._guard:
            self._said += 1
            if self._said == MOST_LINES + 1:
                text, level = "There is more; the log of the process has it.", "warning"
            if self._said <= MOST_LINES + 1:
                self._lines.append({"at": at or clock.now(), "level": level, "text": _storable(text)})

    def new_lines(self) -> list[dict[str, Any]]:
        """What was said since the last time."""
        with self._guard:
            lines, self._lines = self._lines, []
        return lines


_current: ContextVar[Run | None] = ContextVar("run", default=None)


def current() -> Run:
    """The run of this thread; outside of one, a run that nobody keeps."""
    return _current.get() or Run()


@contextmanager
def as_current(run: Run) -> Iterator[None]:
    """Make it the run of this thread, and its log the run's."""
    token = _current.set(run)
    ear = _Ear(run)
    logging.getLogger().addHandler(ear)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(ear)
        _current.reset(token)


class _Ear(logging.Handler):
    """Hears what is logged by the thread of one run."""

    def __init__(self, run: Run) -> None:
        super().__init__(logging.INFO)
        self._run = run

    def emit(self, record: logging.LogRecord) -> None:
        if _current.get() is self._run:
            at = datetime.fromtimestamp(record.created, UTC)
            self._run.say(told(record), level=record.levelname.lower(), at=at)


def _storable(text: str) -> str:
    return redact(text.replace("\0", " ").encode("utf-8", "replace").decode())[:_LONGEST_LINE]
