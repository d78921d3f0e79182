"""Events that arrive together are kept together.

A commit costs the same for one event as for thirty. So a request that finds nobody at work takes everything that waits through
one transaction; those that arrive meanwhile are the next batch. A request that is alone waits for nobody.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from app.webhooks.envelope import Envelope

MOST_TOGETHER = 32
# In a crowd those who were just answered are about to send their next: a millisecond for them halves the work for each.
LINGER_SECONDS = 0.001
_CROWD = 3


@dataclass(slots=True)
class _Ticket:
    """One waiting request. Its turn is a lock that somebody else opens: cheaper to wait for than an Event.

    `leads` when it was woken to do the next batch, not because its own is done.
    """

    envelope: Envelope
    turn: threading.Lock = field(default_factory=threading.Lock)
    leads: bool = False
    kept: bool = False
    error: Exception | None = None


class Intake:
    """One per process. `take_in` keeps a batch or raises; its error is every member's error."""

    def __init__(self, take_in: Callable[[list[Envelope]], None]) -> None:
        self._take_in = take_in
        self._guard = threading.Lock()
        self._queue: deque[_Ticket] = deque()
        self._busy = False
        self._company = 0

    def hand_in(self, envelope: Envelope) -> None:
        """Return when the event is committed.

        Raises:
            Exception: whatever `take_in` raised; the event was not kept.
        """
        ticket = _Ticket(envelope)
        ticket.turn.acquire()
        with self._guard:
            self._queue.append(ticket)
            ticket.leads = not self._busy
            self._busy = True
        if not ticket.leads:
            ticket.turn.acquire()
        if ticket.leads:
            self._lead()
        if not ticket.kept:
            raise ticket.error or RuntimeError("The batch ended without an answer.")

    def _lead(self) -> None:
        """Do one batch, of which the leader is the first, and hand the lead to whoever waits longest."""
        if self._company >= _CROWD:
            time.sleep(LINGER_SECONDS)
        with self._guard:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_TOGETHER))]
        # How many there were lately, sinking slowly.
        self._company = max(len(batch), self._company - 1)
        try:
            self._take_in([ticket.envelope for ticket in batch])
            for ticket in batch:
                ticket.kept = True
        except Exception as error:  # noqa: BLE001 - it is raised again, in the thread of each member
            for ticket in batch:
                ticket.error = error
        finally:
            self._hand_over()
            for ticket in batch[1:]:
                ticket.turn.release()

    def _hand_over(self) -> None:
        with self._guard:
            if not self._queue:
                self._busy = False
                return
            successor = self._queue[0]
            successor.leads = True
        successor.turn.release()
