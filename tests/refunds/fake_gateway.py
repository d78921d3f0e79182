"""A Stripe that fits on one page: it keeps refunds by key, and checks that nobody holds a transaction while asking."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

from app import clock
from app.database import db
from app.errors import GatewayRefused, GatewayUnavailable
from app.gateways.answer import Answer


class FakeGateway:
    """`keys`: the key of every request for a refund. `made`: the refunds Stripe has. Faults are switched on by attribute.

    lose_answers: this many requests do their work, but the answer never arrives. down: nothing is reached at all.
    refuse: the words of a clear no. find_nothing: looks come too early to see anything.
    before_answer: called after the work is done, before the answer is given.
    """

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.looks: list[str] = []
        self.made: dict[str, dict[str, Any]] = {}
        self.lose_answers = 0
        self.down = False
        self.refuse = ""
        self.find_nothing = False
        self.status = "succeeded"
        self.before_answer: Callable[[dict[str, Any]], None] = lambda _: None
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create_refund(
        self, *, charge: str, amount: int, reason: str | None, metadata: dict[str, str], key: str
    ) -> Answer:
        started = self._outside_of_transactions()
        with self._lock:
            self.keys.append(key)
            if self.down:
                raise GatewayUnavailable("Stripe does not answer.")
            if self.refuse:
                raise GatewayRefused(self.refuse, code="charge_disputed", request_id="req_no")
            replayed = key in self.made
            if not replayed:
                self.made[key] = self._refund(charge, amount, reason, metadata)
            lost, self.lose_answers = self.lose_answers > 0, max(0, self.lose_answers - 1)
        self.before_answer(self.made[key])
        if lost:
            raise GatewayUnavailable("The connection broke before the answer.")
        return self._answer(self.made[key], started, replayed=replayed)

    def find_refund(self, charge: str, promise_id: str) -> dict[str, Any] | None:
        self._outside_of_transactions()
        self.looks.append(promise_id)
        if self.down:
            raise GatewayUnavailable("Stripe does not answer.")
        mine = [made for made in self.made.values() if made["charge"] == charge and not self.find_nothing]
        return next((made for made in mine if made["metadata"].get("counterfoil_refund") == promise_id), None)

    def retrieve(self, path: str) -> Answer:
        started = self._outside_of_transactions()
        if self.down:
            raise GatewayUnavailable("Stripe does not answer.")
        [found] = [made for made in self.made.values() if path == f"/v1/refunds/{made['id']}"]
        return self._answer(found, started, replayed=False)

    def _refund(self, charge: str, amount: int, reason: str | None, metadata: dict[str, str]) -> dict[str, Any]:
        now = clock.to_unix(clock.now())
        return {
            "id": f"re_{next(self._numbers)}",
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge,
            "created": now,
            "currency": "eur",
            "metadata": metadata,
            "payment_intent": None,
            "reason": reason,
            "receipt_number": None,
            "status": self.status,
        }

    def _answer(self, body: dict[str, Any], started: Any, *, replayed: bool) -> Answer:
        return Answer(
            body=dict(body),
            status=200,
            request_id="req_1",
            stripe_now=clock.now().replace(microsecond=0),
            heard_at=started,
            elapsed=clock.now() - started,
            api_version="2026-10-28.endive",
            replayed=replayed,
        )

    def _outside_of_transactions(self) -> Any:
        assert not db.session().in_transaction(), "a transaction is open during a call to Stripe"
        return clock.now()
