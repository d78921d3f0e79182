"""One token bucket for all processes, so that together they stay below Stripe's limit."""

import random
import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

# Of Stripe's documented limits (calls a second: 100 live, 25 in a sandbox or test mode) this share is ours.
_SHARE = 0.6
LIVE, TEST = 100 * _SHARE, 25 * _SHARE

# The bucket holds what flows in within this many seconds: a burst on top of the flow must not reach Stripe's limit either.
_BURST = 0.25
# Background work leaves this share of the bucket to people who are waiting for a page.
_RESERVE = 0.25
# Tokens that background work takes at once, and seconds after which they are too old to be used.
_LEASE, _FRESH = 5, 1.0
# After Stripe asked us to slow down, a base without a limit of its own is called like a test account for this many seconds.
_CAREFUL = 60.0

_LOCK = text(
    "SELECT tokens, extract(epoch FROM clock_timestamp() - filled_at) FROM rate_buckets WHERE name = :name FOR UPDATE"
)
_MAKE = text("INSERT INTO rate_buckets VALUES (:name, :tokens, clock_timestamp()) ON CONFLICT DO NOTHING")
_KEEP = text("UPDATE rate_buckets SET tokens = :tokens, filled_at = clock_timestamp() WHERE name = :name")


class Pace:
    """`rate`: calls a second, for all processes that share the bucket `name`; None means as fast as it goes.

    Safe to use from many threads.
    """

    def __init__(
        self,
        name: str,
        rate: float | None,
        bind: Callable[[], Engine | Connection],
        *,
        careful_rate: float = TEST,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name = name
        self._rate = rate
        self._bind = bind
        self._careful_rate = careful_rate
        self._careful_until = 0.0
        self._sleep = sleep
        self._guard = threading.Lock()
        self._leased: list[float] = []

    def wait(self, *, urgent: bool) -> None:
        """Return when one call may be made. `urgent`: somebody is waiting, so the reserve may be used."""
        while (rate := self._present_rate()) is not None and not self._use_leased():
            got = self._take(rate, 1 if urgent else _LEASE, 0.0 if urgent else _RESERVE)
            if got:
                self._lease(got - 1)
                return
            self._sleep(random.uniform(1, 2) / rate)  # noqa: S311 - spreading, not secrecy

    def pause(self, seconds: float) -> None:
        """Wait, because the last attempt went wrong."""
        self._sleep(seconds)

    def slow_down(self) -> None:
        """Stripe answered 429: there is a limit here, whatever we thought."""
        self._careful_until = time.monotonic() + _CAREFUL

    def _present_rate(self) -> float | None:
        if self._rate is None and time.monotonic() < self._careful_until:
            return self._careful_rate
        return self._rate

    def _use_leased(self) -> bool:
        with self._guard:
            fresh = time.monotonic() - _FRESH
            self._leased = [since for since in self._leased if since > fresh]
            return bool(self._leased and self._leased.pop())

    def _lease(self, tokens: int) -> None:
        with self._guard:
            self._leased += [time.monotonic()] * tokens

    def _take(self, rate: float, wanted: int, reserve: float) -> int:
        """Whole tokens taken from the shared bucket: at most `wanted`, leaving the share `reserve` of it behind."""
        full = max(2.0, rate * _BURST)
        with Session(self._bind(), join_transaction_mode="create_savepoint") as session, session.begin():
            found = session.execute(_LOCK, {"name": self._name}).first()
            if found is None:
                session.execute(_MAKE, {"name": self._name, "tokens": full})
                found = session.execute(_LOCK, {"name": self._name}).one()
            tokens = min(full, found[0] + rate * max(0.0, float(found[1])))
            taken = max(0, min(wanted, int(tokens - full * reserve)))
            session.execute(_KEEP, {"name": self._name, "tokens": tokens - taken})
            return taken
