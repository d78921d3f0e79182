"""How long what failed waits for its next try."""

import random
from datetime import timedelta

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=10)
# Whoever takes something in hand and is not heard of for this long is dead.
LONGEST_TRY = timedelta(minutes=1)


def wait_after(attempts: int) -> timedelta:
    """Doubling up to ten minutes, with a little chance in it so that a thousand events do not return as one."""
    plain: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
    return plain * random.uniform(0.9, 1.0)  # noqa: S311 - no secret is made of it
