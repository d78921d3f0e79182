"""Random histories of subscriptions, invoices and credit notes: numbers without gaps, periods without gaps, sums that hold."""

import contextlib
import itertools
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.sandbox.billing import DAY, customer
from tests.sandbox.client import Sandbox
from tests.sandbox.money import balance, books

CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_de", "pm_card_chargeCustomerFail", "pm_card_threeDSecure2Required")
PLANS = ((1_500, "month", 1), (400, "week", 1), (9_900, "year", 1), (70, "day", 3), (2_500, "month", 3))


class Shop:
    """Does one thing after another; what Stripe refuses is part of the game."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self.sandbox = sandbox
        self.client = sandbox.stripe()
        self.dice = random.Random(seed)  # noqa: S311
        self.people = [customer(self.client, self.dice.choice(CARDS)).id for _ in range(4)]
        self.prices = [self._price(*plan) for plan in PLANS]
        self.coupon = self.client.v1.coupons.create({"percent_off": 15, "duration": "forever"}).id
        self.tax = self.client.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False}).id

    def do_something(self) -> None:
        acts: tuple[Callable[[], Any], ...] = (
            self.subscribe, self.subscribe, self.change, self.change, self.cancel, self.pause_or_resume, self.add_item,
            self.bill, self.pay, self.pay, self.void, self.correct, self.new_card, self.credit, self.wait, self.wait,
        )  # fmt: skip
        with contextlib.suppress(stripe.CardError, stripe.InvalidRequestError):
            self.dice.choice(acts)()

    def subscribe(self) -> None:
        items = [{"price": one, "quantity": self.dice.randrange(1, 4)} for one in self.dice.sample(self.prices, 2)]
        more: Any = self.dice.choice(
            (
                {},
                {},
                {"trial_period_days": 9},
                {"discounts": [{"coupon": self.coupon}]},
                {"default_tax_rates": [self.tax]},
            )
        )
        params: Any = {"customer": self.dice.choice(self.people), "items": items, **more}
        self.client.v1.subscriptions.create(params)

    def change(self) -> None:
        subscription = self._any("subscription")
        item = self.dice.choice(subscription["items"]["data"])
        wish: Any = {"id": item["id"], "quantity": self.dice.randrange(1, 6)}
        if self.dice.random() < 0.4:
            wish["price"] = self.dice.choice(self.prices)
        params: Any = {
            "items": [wish],
            "proration_behavior": self.dice.choice(("create_prorations", "always_invoice", "none")),
        }
        self.client.v1.subscriptions.update(subscription["id"], params)

    def cancel(self) -> None:
        subscription = self._any("subscription")["id"]
        if self.dice.random() < 0.5:
            self.client.v1.subscriptions.update(subscription, {"cancel_at_period_end": self.dice.random() < 0.7})
        else:
            self.client.v1.subscriptions.cancel(
                subscription, {"prorate": True, "invoice_now": self.dice.random() < 0.5}
            )

    def pause_or_resume(self) -> None:
        subscription = self._any("subscription")
        if subscription["status"] == "paused":
            self.client.v1.subscriptions.resume(subscription["id"])
        else:
            self.client.v1.subscriptions.pause(subscription["id"])

    def add_item(self) -> None:
        amount = self.dice.randrange(-300, 900)
        self.client.v1.invoice_items.create(
            {"customer": self.dice.choice(self.people), "amount": amount, "currency": "usd"}
        )

    def bill(self) -> None:
        draft = self.client.v1.invoices.create(
            {
                "customer": self.dice.choice(self.people),
                "pending_invoice_items_behavior": "include",
                "auto_advance": self.dice.random() < 0.5,
            }
        )
        if self.dice.random() < 0.3:
            self.client.v1.invoices.delete(draft.id)
        elif self.dice.random() < 0.6:
            self.client.v1.invoices.finalize_invoice(draft.id)

    def pay(self) -> None:
        self.client.v1.invoices.pay(self._any("invoice")["id"])

    def void(self) -> None:
        invoice = self._any("invoice")["id"]
        self.dice.choice((self.client.v1.invoices.void_invoice, self.client.v1.invoices.mark_uncollectible))(invoice)

    def correct(self) -> None:
        invoice = self._any("invoice")
        amount = self.dice.randrange(1, 600)
        half = amount // 2
        paid: Any = {"refund_amount": half, "credit_amount": amount - half} if invoice["status"] == "paid" else {}
        params: Any = {"invoice": invoice["id"], "amount": amount, **paid}
        self.client.v1.credit_notes.create(params)

    def new_card(self) -> None:
        who = self.dice.choice(self.people)
        card = self.client.v1.payment_methods.attach(self.dice.choice(CARDS), {"customer": who})
        self.client.v1.customers.update(who, {"invoice_settings": {"default_payment_method": card.id}})

    def credit(self) -> None:
        amount = self.dice.randrange(-900, 500)
        who = self.dice.choice(self.people)
        self.client.v1.customers.balance_transactions.create(who, {"amount": amount, "currency": "usd"})

    def wait(self) -> None:
        self.sandbox.advance(self.dice.randrange(1, 25 * DAY))

    def _price(self, amount: int, interval: str, count: int) -> str:
        params: Any = {
            "currency": "usd",
            "unit_amount": amount,
            "recurring": {"interval": interval, "interval_count": count},
            "product_data": {"name": f"every {count} {interval}"},
        }
        return self.client.v1.prices.create(params).id

    def _any(self, kind: str) -> Any:
        found = self.sandbox.objects(kind)
        if not found:
            raise stripe.InvalidRequestError("nothing to choose from", None)  # type: ignore[no-untyped-call]
        return self.dice.choice(found)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_the_sums_hold(sandbox: Sandbox, seed: int) -> None:
    shop = Shop(sandbox, seed)
    for _ in range(45):
        shop.do_something()
    sandbox.advance(40 * DAY)

    _invoices_add_up(sandbox)
    _numbers_have_no_gaps(sandbox)
    _periods_have_no_gaps(sandbox)
    _balances_are_their_history(sandbox)
    assert balance(shop.client) == books(sandbox)


def _invoices_add_up(sandbox: Sandbox) -> None:
    lines: dict[str, list[Any]] = defaultdict(list)
    for line in sandbox.objects("line_item"):
        lines[line["invoice"]].append(line)
    payments: dict[str, int] = defaultdict(int)
    for bond in sandbox.objects("invoice_payment"):
        payments[bond["invoice"]] += bond["amount_paid"] or 0
    charged = sum(charge["amount_captured"] for charge in sandbox.objects("charge"))
    assert sum(payments.values()) == charged
    for invoice in sandbox.objects("invoice"):
        own = lines[invoice["id"]]
        off = sum(part["amount"] for line in own for part in line["discount_amounts"])
        tax = sum(one["amount"] for line in own for one in line["taxes"])
        assert invoice["subtotal"] == sum(line["amount"] for line in own), invoice["id"]
        assert invoice["total"] == invoice["subtotal"] - off + tax
        assert invoice["amount_paid"] == payments[invoice["id"]]
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]
        assert invoice["amount_remaining"] == 0 or invoice["status"] != "paid"
        assert (invoice["status"] == "draft") == (invoice["status_transitions"]["finalized_at"] is None)


def _numbers_have_no_gaps(sandbox: Sandbox) -> None:
    by_customer: dict[str, list[str]] = defaultdict(list)
    for invoice in sandbox.objects("invoice"):
        assert (invoice["number"] is None) == (invoice["status"] == "draft")
        if invoice["number"]:
            by_customer[invoice["customer"]].append(invoice["number"])
    for owner in sandbox.objects("customer"):
        numbers = sorted(by_customer[owner["id"]])
        assert numbers == [f"{owner['invoice_prefix']}-{number:04}" for number in range(1, len(numbers) + 1)]
        assert owner["next_invoice_sequence"] == len(numbers) + 1


def _periods_have_no_gaps(sandbox: Sandbox) -> None:
    """No time of an item is billed twice; a change that starts a new period in the middle starts the count again."""
    reasons = {invoice["id"]: invoice["billing_reason"] for invoice in sandbox.objects("invoice")}
    spans: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for line in sandbox.objects("line_item"):
        details = line["parent"]["subscription_item_details"]
        if details:
            span = line["period"]
            spans[details["subscription_item"]].append((span["start"], span["end"], reasons[line["invoice"]]))
    for found in spans.values():
        fresh = max((start for start, _, reason in found if reason == "subscription_update"), default=0)
        since = sorted(span for span in found if span[0] >= fresh and span[2] == "subscription_cycle")
        assert all(one[1] <= following[0] for one, following in itertools.pairwise(since))
    items = {one["id"]: one for one in sandbox.objects("subscription_item")}
    now = sandbox.control("GET", "clock")["now"]
    for subscription in sandbox.objects("subscription"):
        if subscription["status"] in ("active", "past_due", "trialing", "unpaid"):
            for shown in subscription["items"]["data"]:
                assert items[shown["id"]] == shown
                assert shown["current_period_start"] <= now < shown["current_period_end"]


def _balances_are_their_history(sandbox: Sandbox) -> None:
    moved: dict[str, int] = defaultdict(int)
    for movement in sandbox.objects("customer_balance_transaction"):
        moved[movement["customer"]] += movement["amount"]
    for owner in sandbox.objects("customer"):
        assert owner["balance"] == moved[owner["id"]]
