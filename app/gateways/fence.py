"""The last question before anything is asked of Stripe: is this still ours to do?

Work that can be taken over by another process sets its question here; what a person clicks has none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_question: ContextVar[Callable[[], None] | None] = ContextVar("fence", default=None)


class Fenced(Exception):
    """Another process may have taken this work over. Nothing more is written."""


@contextmanager
def behind(question: Callable[[], None]) -> Iterator[None]:
    """Ask `question` before each write of this thread; it raises Fenced when the answer is no."""
    token = _question.set(question)
    try:
        yield
    finally:
        _question.reset(token)


def ask() -> None:
    """
    Raises:
        Fenced: this is not ours to do any more.
    """
    question = _question.get()
    if question is not None:
        question()
