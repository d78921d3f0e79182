"""How long to go on asking, and how long to wait in between."""

import random
from dataclasses import dataclass

from app.gateways.errors import Trouble

# Longest that one attempt may take: to connect, and then until the answer begins.
ATTEMPT = 15.0
_FIRST, _LONGEST, _LONGEST_ASKED = 0.5, 8.0, 60.0
# After a 429 the bucket keeps us below the limit; waiting longer than this on top of it gains nothing.
_LONGEST_SLOWED = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """`tries` counts attempts without any answer. `seconds`: no new attempt is begun that could end later than this.

    `when_slowed`: the same while Stripe only asks us to slow down, which is not a failure.
    """

    tries: int
    seconds: float
    when_slowed: float

    def pause(self, trouble: Trouble, tries: int, elapsed: float) -> float | None:
        """Seconds to wait before the next attempt, or None to give up. Jittered, so that many processes do not knock as one."""
        if trouble.refused or trouble.hopeless:
            return None
        if not trouble.too_many and tries >= self.tries:
            return None
        longest = _LONGEST_SLOWED if trouble.too_many else _LONGEST
        wait = min(longest, _FIRST * 2 ** (tries - 1)) * random.uniform(0.5, 1.0)  # noqa: S311 - spreading, not secrecy
        if trouble.retry_after is not None:
            wait = max(wait, min(trouble.retry_after, _LONGEST_ASKED))
        limit = self.when_slowed if trouble.too_many else self.seconds
        return wait if elapsed + wait <= limit else None


# Somebody is waiting for the page.
INTERACTIVE = Patience(tries=3, seconds=10, when_slowed=10)
# Nobody is waiting; giving up costs more than waiting.
BACKGROUND = Patience(tries=6, seconds=60, when_slowed=120)
# Money may have moved: the same key, at most twice more, and an answer to the person within half a minute.
WRITING = Patience(tries=3, seconds=30 - ATTEMPT, when_slowed=30 - ATTEMPT)
