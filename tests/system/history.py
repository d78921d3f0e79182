"""A random history: everything a shop, its customers, banks and nights may do, and webhooks that come as they please.

One seed is one history. The world's clock stands still unless the history moves it, so much happens within one second.
"""

import contextlib
import random
import uuid
from collections.abc import Callable
from typing import Any

import orjson
import stripe
from flask import Flask

from app import cli
from app.actor import Actor
from app.database import db
from app.errors import DomainError
from app.gateways.current import gateway
from app.models.charge import Charge
from app.money import MinorUnits, Money
from app.refunds.operations import refund_charge
from app.settings import API_VERSION
from app.sync import operations as sync
from jobs.settle_refunds import settle_refunds
from jobs.understand_events import understand_events
from tests.sandbox.client import Sandbox
from tests.sandbox.money import MANDATE, RETURN_URL, balance, debit, pay
from tests.webhooks.signing import post

CARDS = (
    *("pm_card_visa", "pm_card_de", "pm_card_jp", "pm_card_bypassPending", "pm_card_createDispute"),
    *("pm_card_createDisputeInquiry", "pm_card_createMultipleDisputes", "pm_card_refundFail", "pm_card_pendingRefund"),
    *("pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_createIssuerFraudRecord"),
    *("pm_card_authenticationRequired", "pm_card_threeDSecureRequiredChargeDeclined", "pm_card_radarBlock"),
)
IBANS = ("AT611904300234573201", "AT861904300235473202", "AT591904300235473203", "AT321904300235473204")
CURRENCIES = ("usd", "eur", "gbp", "jpy", "kwd")
# What a bank may decide, by the status it finds.
DECISIONS = {
    "warning_needs_response": ("escalate", "close"),
    "warning_under_review": ("escalate", "close"),
    "warning_closed": ("escalate",),
    "needs_response": ("won", "lost", "appeal"),
    "under_review": ("won", "lost", "appeal"),
    "lost": ("appeal",),
    "appeal_needs_response": ("won", "lost"),
    "appeal_under_review": ("won", "lost"),
}
START = 1_790_000_000
DAY = 86_400
Obj = dict[str, Any]


class History:
    """One example. `told` says what was done, for whoever has to understand a failure."""

    def __init__(self, app: Flask, sandbox: Sandbox, seed: int) -> None:
        self.app, self.sandbox = app, sandbox
        self.stripe = sandbox.stripe(stripe_version="2026-10-28.endive", max_network_retries=0)
        self.dice = random.Random(seed)  # noqa: S311 - a history, not a key
        self.web = app.test_client()
        self.told: list[str] = []
        self.queue: list[Obj] = []
        self.heard: set[str] = set()
        # Otherwise the first sync comes later, or last: what was told before it may be missing, for the sync reads everything.
        self.from_the_start = self.dice.random() < 0.5

    def live(self, acts: int) -> None:
        """That many acts, each followed by whatever arrives; then everything that is still on its way, and a sync."""
        self.sandbox.control("POST", "clock", {"freeze": START})
        if self.from_the_start:
            self.bring_up_to_date()
        self.open_shop()
        for _ in range(acts):
            self._try(self.dice.choice(self._acts()))
            self._try(self.dice.choice((self.deliver, self.deliver, self.deliver, self.work, self._nothing)))
        self.deliver_all()
        self._try(self.work)
        self.bring_up_to_date()
        self.work()

    def _try(self, act: Callable[[], Any]) -> None:
        """What Stripe or one of our rules refuses is part of the game."""
        outcome = "done"
        try:
            act()
        except (stripe.CardError, stripe.InvalidRequestError, DomainError) as refusal:
            outcome = f"refused: {refusal}"
        db.session.rollback()
        self.told.append(f"{act.__name__}: {outcome}")

    def _acts(self) -> tuple[Callable[[], Any], ...]:
        return (
            *(self.sell, self.sell, self.sell, self.sell_by_debit, self.hold, self.hold, self.capture, self.let_go),
            *(self.authenticate, self.refund_outside, self.refund_outside, self.refund_here, self.refund_here),
            *(self.bounce, self.call_off, self.complain, self.answer, self.decide, self.decide, self.note),
            *(self.meet, self.meet, self.rename, self.part, self.save_card, self.drop_card),
            *(self.pay_out, self.fail_payout, self.wait, self.wait, self.bring_up_to_date),
        )

    # What happens at Stripe

    def open_shop(self) -> None:
        """Enough to begin with, so that few acts find nothing to act on."""
        for _ in range(2):
            self.meet()
        for card in ("pm_card_bypassPending", "pm_card_createDispute", "pm_card_refundFail"):
            pay(self.stripe, card, 4_000, self.dice.choice(CURRENCIES))

    def sell(self) -> None:
        customer = self._any("customer", deleted=None)
        more: Obj = {"customer": customer["id"]} if customer and self.dice.random() < 0.6 else {}
        if more and self.dice.random() < 0.4:
            more["setup_future_usage"] = "off_session"
        amount = self.dice.randrange(100, 900) * 10
        pay(self.stripe, self.dice.choice(CARDS), amount, self.dice.choice(CURRENCIES), **more)

    def sell_by_debit(self) -> None:
        debit(self.stripe, self.dice.choice(IBANS), self.dice.randrange(500, 9_000))

    def hold(self) -> None:
        amount = self.dice.randrange(100, 900) * 10
        pay(self.stripe, amount=amount, currency=self.dice.choice(CURRENCIES), capture_method="manual")

    def capture(self) -> None:
        held = self._some("payment_intent", status="requires_capture")
        amount = self.dice.choice((held["amount"], self.dice.randrange(1, held["amount"] + 1)))
        self.stripe.v1.payment_intents.capture(held["id"], {"amount_to_capture": amount})

    def let_go(self) -> None:
        state = self.dice.choice(("requires_capture", "requires_action", "requires_payment_method"))
        self.stripe.v1.payment_intents.cancel(self._some("payment_intent", status=state)["id"])

    def authenticate(self) -> None:
        waiting = self._some(
            self.dice.choice(("payment_intent", "payment_intent", "setup_intent")), status="requires_action"
        )
        outcome = self.dice.choice(("pass", "pass", "fail"))
        self._control("money/authenticate", {"id": waiting["id"], "outcome": outcome})

    def refund_outside(self) -> None:
        charge = self._some("charge")
        amount: Any = self.dice.choice(({}, {"amount": self.dice.randrange(1, charge["amount"] + 1)}))
        self.stripe.v1.refunds.create({"charge": charge["id"], **amount})

    def bounce(self) -> None:
        refund = self._some("refund", status="succeeded")
        if refund["balance_transaction"]:
            self._control("money/fail_refund", {"refund": refund["id"]})

    def call_off(self) -> None:
        self.stripe.v1.refunds.cancel(
            self._some("refund", status=self.dice.choice(("pending", "requires_action")))["id"]
        )

    def complain(self) -> None:
        cause = self.dice.choice(("fraudulent", "general", "inquiry", "duplicate"))
        self._control("money/dispute", {"charge": self._some("charge", captured=True)["id"], "cause": cause})

    def answer(self) -> None:
        words = self.dice.choice(("winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "Tea"))
        submit = self.dice.random() < 0.5
        evidence: Any = {"evidence": {"uncategorized_text": words}, "submit": submit}
        self.stripe.v1.disputes.update(self._some("dispute")["id"], evidence)

    def decide(self) -> None:
        dispute = self._some("dispute")
        outcome = self.dice.choice(DECISIONS.get(dispute.get("status", ""), ("none",)))
        self._control("money/decide", {"dispute": dispute["id"], "outcome": outcome})

    def note(self) -> None:
        """Twice within a second, as a program that writes order numbers does.

        Not on payment intents: Stripe tells nobody, so only a full sync can know.
        """
        kind = self.dice.choice(("charges", "refunds", "disputes", "payouts", "payment_methods"))
        thing = self._some(kind.removesuffix("s"))
        for _ in range(self.dice.randrange(1, 3)):
            getattr(self.stripe.v1, kind).update(thing["id"], {"metadata": {"order": str(self.dice.random())}})

    def meet(self) -> None:
        self.stripe.v1.customers.create({"email": f"{self.dice.random()}@example.com", "name": "Ana"})

    def rename(self) -> None:
        customer = self._some("customer", deleted=None)
        for _ in range(self.dice.randrange(1, 3)):
            self.stripe.v1.customers.update(customer["id"], {"name": f"Ana {self.dice.random()}"})

    def part(self) -> None:
        self.stripe.v1.customers.delete(self._some("customer", deleted=None)["id"])

    def save_card(self) -> None:
        """A card for later, or a mandate."""
        customer = self._some("customer", deleted=None)
        plain: Any = {"customer": customer["id"], "confirm": True, "return_url": RETURN_URL}
        if self.dice.random() < 0.5:
            card = self.dice.choice(("pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeDeclined"))
            self.stripe.v1.setup_intents.create({**plain, "payment_method": card})
            return
        person = {"name": "Ana", "email": "ana@example.com"}
        details: Any = {"type": "sepa_debit", "sepa_debit": {"iban": IBANS[0]}, "billing_details": person}
        account = self.stripe.v1.payment_methods.create(details)
        debit_too: Any = {"allowed_payment_method_types": ["sepa_debit"], "mandate_data": MANDATE}
        self.stripe.v1.setup_intents.create({**plain, **debit_too, "payment_method": account.id})

    def drop_card(self) -> None:
        kept = [method for method in self.sandbox.objects("payment_method") if method["customer"]]
        if kept:
            self.stripe.v1.payment_methods.detach(self.dice.choice(kept)["id"])

    def pay_out(self) -> None:
        for currency, (available, _) in sorted(balance(self.stripe).items()):
            if available > 0:
                self.stripe.v1.payouts.create({"amount": self.dice.randrange(available) + 1, "currency": currency})

    def fail_payout(self) -> None:
        self._control("money/fail_payout", {"payout": self._some("payout")["id"]})

    def wait(self) -> None:
        self.sandbox.advance(self.dice.choice((1, 1, 1, 2, 30, 3_600, DAY, 5 * DAY)))

    # What happens here

    def refund_here(self) -> None:
        """Somebody at the desk; now and then the answer is lost on its way."""
        known = db.session.query(Charge).filter_by(status="succeeded", captured=True).order_by(Charge.id).all()
        if not known:
            return
        charge = self.dice.choice(known)
        left = charge.refundable.minor
        amount = Money(MinorUnits(self.dice.randrange(1, max(left, 1) + 1)), charge.currency)
        if self.dice.random() < 0.3:
            lost: Obj = {"times": 1, "when": self.dice.choice(("before", "after")), "status": 500}
            self.sandbox.fault("POST", "/v1/refunds", **lost, headers={"stripe-should-retry": "false"})
        words: Any = {
            "reason": "requested_by_customer",
            "reason_text": "A history",
            "actor": Actor("staff", "ana@shop.example"),
        }
        try:
            refund_charge(charge.id, amount, promise_id=uuid.uuid4(), gateway=gateway(), **words)
        finally:
            self.sandbox.heal()

    def work(self) -> None:
        """What the worker does every few seconds, until nothing is left of it."""
        settle_refunds()
        for _ in range(20):
            if not understand_events():
                break

    def bring_up_to_date(self) -> None:
        """`flask sync run`"""
        sync.run(gateway(), livemode=False, take_in=cli.take_in)

    def deliver(self) -> None:
        """Some of what is on its way: in any order, some twice, some never."""
        self._collect()
        self.dice.shuffle(self.queue)
        for event in self.queue[: self.dice.randrange(len(self.queue) + 1)]:
            self.queue.remove(event)
            copies = self.dice.choice((0, 1, 1, 1, 1, 2))
            for _ in range(copies):
                assert post(self.web, orjson.dumps(event)).status_code == 200
        db.session.rollback()

    def deliver_all(self) -> None:
        self._collect()
        while self.queue:
            self.deliver()

    def _collect(self) -> None:
        """Events that are new since the last time, in the shape that our endpoint gets them."""
        told = [event for event in self.sandbox.objects("event") if event["id"] not in self.heard]
        self.heard |= {event["id"] for event in told}
        self.queue += [event | {"api_version": API_VERSION} for event in told]

    def _nothing(self) -> None:
        pass

    def _control(self, path: str, body: Obj) -> None:
        """The bank may refuse as well."""
        with contextlib.suppress(AssertionError):
            self.sandbox.control("POST", path, body)

    def _any(self, kind: str, **like: Any) -> Obj | None:
        found = [
            one for one in self.sandbox.objects(kind) if all(one.get(name) == value for name, value in like.items())
        ]
        return self.dice.choice(found) if found else None

    def _some(self, kind: str, **like: Any) -> Obj:
        """One of these; what does not exist Stripe refuses."""
        return self._any(kind, **like) or {"id": "none", "amount": 1, "balance_transaction": None}
