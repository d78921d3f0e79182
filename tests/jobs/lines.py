"""Small jobs for the tests."""

from collections.abc import Callable

from app.timetable.lines import Line
from app.timetable.schedules import Every


def line(run: Callable[[], int], *, seconds: int = 60) -> Line:
    return Line(run, Every(seconds))


def three() -> int:
    """Do three things."""
    return 3


def fail() -> int:
    """Fail, with a secret in the message."""
    raise ValueError("no luck with sk_test_abcdef")
