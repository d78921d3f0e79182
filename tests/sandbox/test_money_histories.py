"""Random histories of payments, refunds, disputes and payouts: the books balance and nothing is given back twice."""

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import balance, books, debit, pay

METHODS = (
    *("pm_card_visa", "pm_card_de", "pm_card_gb", "pm_card_jp", "pm_card_bypassPending"),
    *("pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_createMultipleDisputes"),
    *("pm_card_refundFail", "pm_card_pendingRefund", "pm_card_chargeDeclined", "pm_card_createIssuerFraudRecord"),
)
IBANS = ("AT611904300234573201", "AT861904300235473202", "AT591904300235473203")
CURRENCIES = ("usd", "eur", "gbp", "jpy", "kwd", "chf")
DEAD = ("failed", "canceled")


class Shop:
    """Does one thing after another; what Stripe refuses is part of the game."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self.sandbox = sandbox
        self.client = sandbox.stripe()
        self.dice = random.Random(seed)  # noqa: S311

    def do_something(self) -> None:
        acts: tuple[Callable[[], Any], ...] = (
            self.sell, self.sell, self.hold, self.sell_by_debit, self.refund, self.refund, self.refund, self.capture,
            self.answer, self.close, self.complain, self.pay_out, self.wait, self.bounce,
        )  # fmt: skip
        with contextlib.suppress(stripe.CardError, stripe.InvalidRequestError):
            self.dice.choice(acts)()

    def sell(self) -> None:
        pay(self.client, self.dice.choice(METHODS), self.dice.randrange(100, 900) * 10, self.dice.choice(CURRENCIES))

    def hold(self) -> None:
        pay(self.client, amount=self.dice.randrange(100, 900) * 10, capture_method="manual")

    def sell_by_debit(self) -> None:
        debit(self.client, self.dice.choice(IBANS), self.dice.randrange(100, 9_000))

    def refund(self) -> None:
        charge = self._any("charge")
        amount = self.dice.choice((None, self.dice.randrange(1, 300) * 10))
        params: Any = {"charge": charge["id"]} | ({} if amount is None else {"amount": amount})
        self.client.v1.refunds.create(params)

    def capture(self) -> None:
        held = [one for one in self.sandbox.objects("payment_intent") if one["status"] == "requires_capture"]
        if held:
            amount = self.dice.randrange(1, self.dice.choice(held)["amount"] + 50)
            self.client.v1.payment_intents.capture(self.dice.choice(held)["id"], {"amount_to_capture": amount})

    def answer(self) -> None:
        text = self.dice.choice(("winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "Tea"))
        self.client.v1.disputes.update(self._any("dispute")["id"], {"evidence": {"uncategorized_text": text}})

    def close(self) -> None:
        self.client.v1.disputes.close(self._any("dispute")["id"])

    def complain(self) -> None:
        charge = self._any("charge")
        if charge["captured"] and not charge["disputed"] and not charge["refunded"]:
            self.sandbox.control("POST", "money/dispute", {"charge": charge["id"], "cause": "general"})

    def pay_out(self) -> None:
        for currency, (available, _) in balance(self.client).items():
            if available > 0:
                self.client.v1.payouts.create({"amount": self.dice.randrange(available) + 1, "currency": currency})

    def wait(self) -> None:
        self.sandbox.advance(self.dice.choice((30, 3_600, 86_400, 5 * 86_400)))

    def bounce(self) -> None:
        done = [
            one for one in self.sandbox.objects("refund") if one["status"] == "succeeded" and one["balance_transaction"]
        ]
        if done:
            self.sandbox.control("POST", "money/fail_refund", {"refund": self.dice.choice(done)["id"]})

    def _any(self, kind: str) -> dict[str, Any]:
        found = self.sandbox.objects(kind) or [{"id": "none", "captured": False}]
        return self.dice.choice(found)


@pytest.mark.parametrize("seed", range(8))
def test_after_any_history_the_books_balance(sandbox: Sandbox, seed: int) -> None:
    sandbox.reset(seed=seed)
    shop = Shop(sandbox, seed)

    for _ in range(60):
        shop.do_something()

    check_world(sandbox)
    sandbox.advance(40 * 86_400)
    check_world(sandbox)


def check_world(sandbox: Sandbox) -> None:
    charges = {charge["id"]: charge for charge in sandbox.objects("charge")}
    intents = sandbox.objects("payment_intent")
    refunds = sandbox.objects("refund")
    assert balance(sandbox.stripe()) == books(sandbox)
    for charge in charges.values():
        given = sum(one["amount"] for one in refunds if one["charge"] == charge["id"] and one["status"] not in DEAD)
        assert given == charge["amount_refunded"] <= charge["amount"]
        assert charge["refunded"] == (charge["amount_refunded"] == charge["amount"])
        assert charge["captured"] == (charge["balance_transaction"] is not None)
        assert (charge["status"] == "failed") == (charge["failure_code"] is not None)
    for intent in intents:
        taken = sum(one["amount_captured"] for one in charges.values() if one["payment_intent"] == intent["id"])
        assert intent["amount_received"] == taken
        assert (intent["status"] == "succeeded") == (taken > 0)
    _check_sources(sandbox, charges, refunds)
    _check_last_words(sandbox)


def _check_sources(sandbox: Sandbox, charges: dict[str, Any], refunds: list[dict[str, Any]]) -> None:
    """Each refund and dispute moved its money exactly once, in the right direction."""
    by_source: dict[str, list[dict[str, Any]]] = {}
    for movement in sandbox.objects("balance_transaction"):
        by_source.setdefault(movement["source"], []).append(movement)
    for refund in refunds:
        total = sum(movement["amount"] for movement in by_source.get(refund["id"], []))
        moved = refund["balance_transaction"] is not None and refund["status"] not in DEAD
        assert (total < 0) == moved
        assert total <= 0
    for dispute in sandbox.objects("dispute"):
        rows = by_source.get(dispute["id"], [])
        assert sorted(row["id"] for row in rows) == sorted(row["id"] for row in dispute["balance_transactions"])
        kept = sum(row["amount"] for row in rows) == 0
        assert kept == (dispute["status"].startswith("warning") or dispute["status"] in {"won", "prevented"})
    for charge in charges.values():
        assert len(by_source.get(charge["id"], [])) == int(charge["captured"])


def _check_last_words(sandbox: Sandbox) -> None:
    """The last event about an object shows it as it is, for kinds whose every change Stripe announces."""
    last: dict[str, dict[str, Any]] = {}
    page: Any = None
    told: list[dict[str, Any]] = []
    while page is None or page["has_more"]:
        params = {"limit": 100} | ({"starting_after": told[-1]["id"]} if told else {})
        page = sandbox.get("/v1/events", params=params)
        told += page["data"]
    for event in told:
        last.setdefault(event["data"]["object"].get("id", ""), event["data"]["object"])
    for kind in ("payment_intent", "refund", "dispute", "payout"):
        for obj in sandbox.objects(kind):
            if obj["id"] in last:
                assert last[obj["id"]]["status"] == obj["status"]
