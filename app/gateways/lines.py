"""How many of one process may talk to Stripe at once. When Stripe hangs, the rest of the desk must not.

A web process has a fixed number of threads. If each of them waited for Stripe, nobody could even open a list.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Half of the threads that a web process has even where it was started with few.
LINES = 8

_free = threading.BoundedSemaphore(LINES)


@contextmanager
def line() -> Iterator[bool]:
    """Whether a line was free; it is held until the end of the block."""
    got = _free.acquire(blocking=False)
    try:
        yield got
    finally:
        if got:
            _free.release()
