"""What a job is, as everybody may know it who does not run it; `jobs/timetable.py` lists them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from flask import Flask, current_app

from app.errors import BadRequest
from app.timetable.schedules import Schedule


class Missed(StrEnum):
    """Which of the due times that passed while nothing ran are made up for."""

    LATEST = "latest"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A whole number that a job can be told, between `lowest` and `highest`."""

    name: str
    label: str
    default: int
    lowest: int = 0
    highest: int = 1_000_000

    def read(self, text: str) -> int:
        """
        Raises:
            BadRequest: it is no such number.
        """
        text = text.strip().replace(",", "")
        if not (text.isascii() and text.isdigit() and len(text) < 10) or not self.lowest <= int(text) <= self.highest:  # noqa: PLR2004
            raise BadRequest(f"{self.label}: write a whole number from {self.lowest:,} to {self.highest:,}.")
        return int(text)


@dataclass(frozen=True, slots=True)
class Line:
    """One job. `run` may be stopped anywhere and run twice, and returns how much it did.

    missed: after an outage, only the latest due time or each of them, in order.
    longest_pause: a pause ends by itself after that long, None: when somebody ends it. harm: what stands still meanwhile.
    parameters: what it can be told. dry: says how much it would do, and does nothing.
    """

    run: Callable[[], int]
    when: Schedule
    missed: Missed = Missed.LATEST
    longest_pause: timedelta | None = None
    harm: str = ""
    parameters: tuple[Parameter, ...] = field(default=())
    dry: Callable[[], int] | None = None

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def when_words(self) -> str:
        return began_large(str(self.when))

    @property
    def about(self) -> str:
        """The first line of what the job says of itself."""
        return (self.run.__doc__ or "").strip().splitlines()[0]


def began_large(words: str) -> str:
    """`Daily at 03:15 UTC`: the zone keeps its letters."""
    return words[:1].upper() + words[1:]


def init_timetable(app: Flask, lines: Sequence[Line]) -> None:
    """Tell the application which jobs there are: they stand above it, and it never imports them."""
    app.extensions["timetable"] = {line.name: line for line in lines}


def timetable() -> dict[str, Line]:
    """The jobs by name, in the order of the timetable; empty where nobody told."""
    found: dict[str, Line] = current_app.extensions["timetable"]
    return found
