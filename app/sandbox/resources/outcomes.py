"""Who wants to know how a payment ended that could not end at once: it waited for the customer or for the bank."""

from __future__ import annotations

from collections.abc import Callable

from app.sandbox.params import Obj
from app.sandbox.tx import Tx

Waiter = Callable[[Tx, Obj], None]
_waiters: list[Waiter] = []


def waiter(told: Waiter) -> Waiter:
    """Register: called with every PaymentIntent or SetupIntent that ended late, after its own events."""
    _waiters.append(told)
    return told


def tell(tx: Tx, intent: Obj) -> None:
    for told in _waiters:
        told(tx, intent)
