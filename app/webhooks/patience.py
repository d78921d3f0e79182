"""Which failures of the database are about the moment and not about the event."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from psycopg2 import errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from app.database import is_lost

_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.01
# Classes of SQLSTATE: connection lost, out of resources, somebody ended or restarts the server.
_OUTAGES = ("08", "53", "57", "58")
_COLLISIONS = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
Answer = TypeVar("Answer")


def is_outage(error: Exception) -> bool:
    """Would every event fail like this just now? Then nothing is to blame on this one."""
    if isinstance(error, PoolExhausted):
        return True
    if not isinstance(error, DBAPIError) or error.orig is None:
        return False
    state = getattr(error.orig, "pgcode", None)
    if state is None:  # it never reached the server, or the server never answered; some of that has no class of its own
        return is_lost(error)
    return error.connection_invalidated or state.startswith(_OUTAGES) or is_collision(error)


def is_collision(error: Exception) -> bool:
    """Two transactions waited for each other, and this one was chosen to give way."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, _COLLISIONS)


def patiently(work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, a whole transaction, tried again when it collided with another."""
    for turn in range(_TRIES):
        try:
            return work()
        except DBAPIError as error:
            if not is_collision(error) or turn == _TRIES - 1:
                raise
            time.sleep(random.uniform(0, _FIRST_PAUSE_SECONDS * 2**turn))  # noqa: S311 - no secret is made of it
    raise AssertionError("unreachable")
