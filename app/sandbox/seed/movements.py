"""Which balance transactions wait for their day, and which payout takes them along."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from app.sandbox.params import Obj
from app.sandbox.resources import ledger, payout_moves

if TYPE_CHECKING:
    from app.sandbox.seed.stage import Stage


class Movements:
    """Ids only. `waiting` by (currency, day they become available), `unpaid` by currency, `payout_of` for good."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[str, int], list[str]] = defaultdict(list)
        self.unpaid: dict[str, list[str]] = defaultdict(list)
        self.payout_of: dict[str, str] = {}

    def note(self, movement: Obj) -> None:
        """A new balance transaction."""
        if movement["status"] == "pending":
            self.waiting[movement["currency"], movement["available_on"]].append(movement["id"])
        else:
            self.unpaid[movement["currency"]].append(movement["id"])


def become_available(stage: Stage, currency: str, day: int) -> None:
    """What the timer `funds_available` does, without searching the store."""
    ids = stage.movements.waiting.pop((currency, day), [])
    totals = ledger.locked_totals(stage, currency)
    ledger.free(stage, totals, day, [stage.require("balance_transaction", one) for one in ids])
    stage.movements.unpaid[currency] += ids


def pay_out(stage: Stage, currency: str) -> Obj | None:
    """An automatic payout of everything available; it and what it consists of add up to zero."""
    payout = payout_moves.send_available(stage, currency)
    if payout is not None:
        ids = stage.movements.unpaid.pop(currency)
        stage.movements.payout_of.update(dict.fromkeys(ids, str(payout["id"])))
    return payout
