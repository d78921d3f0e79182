"""The wish to stop, known to every thread of the process."""

import signal
import threading
from types import FrameType

# Long jobs look at it between two steps.
requested = threading.Event()


def on_signals() -> None:
    """SIGTERM and Ctrl-C end the process in order: what runs is finished, nothing new begins."""
    signal.signal(signal.SIGTERM, _request)
    signal.signal(signal.SIGINT, _request)


def _request(_signal: int, _frame: FrameType | None) -> None:
    requested.set()
