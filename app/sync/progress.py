"""Saying how far a run has come: a line that rewrites itself, on a terminal only."""

import sys
import time
from typing import Protocol, TextIO


class Progress(Protocol):
    def __call__(self, kind: str, objects: int) -> None: ...

    def close(self) -> None: ...


class Silent:
    """For jobs and tests."""

    def __call__(self, kind: str, objects: int) -> None:
        pass

    def close(self) -> None:
        pass


class Line:
    """`charge 12,300 · 45,600 objects · 2,100 a second`, ten times a second at most."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self._out = out
        self._started = time.monotonic()
        self._shown = 0.0
        self._counts: dict[str, int] = {}

    def __call__(self, kind: str, objects: int) -> None:
        self._counts[kind] = self._counts.get(kind, 0) + objects
        now = time.monotonic()
        if now - self._shown < 0.1:  # noqa: PLR2004 - seconds
            return
        self._shown = now
        total = sum(self._counts.values())
        speed = total / max(now - self._started, 0.001)
        self._out.write(f"\r\x1b[K{kind} {self._counts[kind]:,} · {total:,} objects · {speed:,.0f} a second")
        self._out.flush()

    def close(self) -> None:
        self._out.write("\r\x1b[K")
        self._out.flush()


def for_terminal() -> Line | Silent:
    return Line() if sys.stderr.isatty() else Silent()
