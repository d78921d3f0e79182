"""What a seeded shop sells by subscription: every invoice, payment and period holds together."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.client import running
from tests.sandbox.sdk_types import misfits
from tests.sandbox.test_seed import DAY, SPRING, Shop, fill, test_automatic_payouts_and_what_is_in_them_make_zero
from tests.servers import drop_database, fresh_database

CLASSES: dict[str, Any] = {
    "credit_note": stripe.CreditNote,
    "customer_balance_transaction": stripe.CustomerBalanceTransaction,
    "invoice": stripe.Invoice,
    "invoice_payment": stripe.InvoicePayment,
    "line_item": stripe.InvoiceLineItem,
    "price": stripe.Price,
    "product": stripe.Product,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
}
STATUSES = {
    *("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid"),
}


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    url = fresh_database()
    until = SPRING  # at another hour chance makes another shop
    with running(url) as sandbox:
        sandbox.control("POST", "clock", {"freeze": until})  # nothing happens while it is read
        filled = fill(url, "--customers", "150", "--months", "6", "--seed", "4", "--until", str(until))
        assert filled.returncode == 0, filled.stderr
        yield Shop(sandbox, until, filled.stdout)
    drop_database(url)


def test_all_of_it_fits_the_types_of_the_sdk(shop: Shop) -> None:
    found = [line for kind, cls in CLASSES.items() for obj in shop.all(kind) for line in misfits(obj, cls)]

    assert found == []
    assert [kind for kind in CLASSES if not shop.all(kind)] == []


def test_there_are_subscriptions_and_invoices_of_every_kind(shop: Shop) -> None:
    subscriptions, invoices = shop.all("subscription"), shop.all("invoice")
    prices = [item["price"] for item in shop.all("subscription_item")]

    assert {one["status"] for one in subscriptions} == STATUSES
    assert {price["recurring"]["interval"] for price in prices} == {"week", "month", "year"}
    assert {price["currency"] for price in prices} == {"usd", "eur", "gbp", "jpy"}
    assert {one["collection_method"] for one in subscriptions} == {"charge_automatically", "send_invoice"}
    assert {one["status"] for one in invoices} >= {"open", "paid", "uncollectible", "void"}
    assert [
        one for one in invoices if one["status"] == "paid" and one["attempt_count"] > 1 and one["amount_paid"]
    ] != []
    assert {one["type"] for one in shop.all("credit_note")} == {"pre_payment", "post_payment"}
    methods = {shop.by_id("payment_method")[name]["type"] for one in subscriptions if (name := _method(one))}
    assert methods == {"card", "sepa_debit"}


def test_debited_subscriptions_have_a_mandate(shop: Shop) -> None:
    permitted = {one["payment_method"] for one in shop.all("mandate")}
    debited = {
        name
        for one in shop.all("subscription")
        if (name := _method(one)) and shop.by_id("payment_method")[name]["type"] == "sepa_debit"
    }

    assert debited
    assert debited <= permitted


def test_an_invoice_is_the_sum_of_its_lines(shop: Shop) -> None:
    lines = defaultdict(list)
    for line in shop.all("line_item"):
        lines[line["invoice"]].append(line)

    for invoice in shop.all("invoice"):
        own = lines[invoice["id"]]
        shown = invoice["lines"]["data"]
        assert sorted(line["id"] for line in own) == sorted(line["id"] for line in shown)
        assert invoice["subtotal"] == sum(line["amount"] for line in own)
        assert invoice["total"] == invoice["subtotal"]
        assert {line["currency"] for line in own} == {invoice["currency"]}
        assert invoice["amount_remaining"] == max(invoice["amount_due"] - invoice["amount_paid"], 0)
        if invoice["status"] == "paid":
            assert invoice["amount_remaining"] == 0


def test_what_was_paid_of_an_invoice_is_what_its_payments_brought(shop: Shop) -> None:
    brought: Counter[str] = Counter()
    intents = shop.by_id("payment_intent")
    for payment in shop.all("invoice_payment"):
        intent = intents[payment["payment"]["payment_intent"]]
        invoice = shop.by_id("invoice")[payment["invoice"]]
        assert (intent["customer"], intent["currency"]) == (invoice["customer"], invoice["currency"])
        assert (payment["status"] == "paid") is (intent["status"] == "succeeded")
        if payment["status"] == "paid":
            assert payment["amount_paid"] == intent["amount_received"]
            brought[invoice["id"]] += payment["amount_paid"]

    for invoice in shop.all("invoice"):
        elsewhere = invoice.get("amount_paid_off_stripe") or 0
        assert invoice["amount_paid"] + invoice["amount_overpaid"] == brought[invoice["id"]] + elsewhere


def test_no_period_is_billed_twice_and_the_latest_invoice_is_the_latest(shop: Shop) -> None:
    of_subscription = defaultdict(list)
    for invoice in shop.all("invoice"):
        of_subscription[invoice["parent"]["subscription_details"]["subscription"]].append(invoice)
    assert set(of_subscription) == {one["id"] for one in shop.all("subscription")}
    for subscription in shop.all("subscription"):
        own = of_subscription[subscription["id"]]
        assert {invoice["customer"] for invoice in own} == {subscription["customer"]}
        assert subscription["latest_invoice"] in {invoice["id"] for invoice in own}
        latest = shop.by_id("invoice")[subscription["latest_invoice"]]
        assert latest["created"] == max(invoice["created"] for invoice in own)
    periods = Counter(
        (line["subscription"], line["period"]["start"], line["period"]["end"])
        for line in shop.all("line_item")
        if line["parent"]["type"] == "subscription_item_details"
    )
    assert [period for period, count in periods.items() if count > 1] == []


def test_numbers_have_no_gap(shop: Shop) -> None:
    numbers = defaultdict(list)
    for invoice in shop.all("invoice"):
        if invoice["number"]:
            prefix, _, number = invoice["number"].rpartition("-")
            numbers[prefix].append(int(number))

    for found in numbers.values():
        assert sorted(found) == list(range(1, len(found) + 1))


def test_credit_notes_and_balances_agree_with_their_invoices(shop: Shop) -> None:
    credited: Counter[tuple[str, str]] = Counter()
    for note in shop.all("credit_note"):
        assert note["amount"] == note["total"] == note["pre_payment_amount"] + note["post_payment_amount"]
        for name in ("pre_payment_amount", "post_payment_amount"):
            credited[note["invoice"], name] += note[name]
        assert {one["refund"] for one in note["refunds"]} <= set(shop.by_id("refund"))
    for invoice in shop.all("invoice"):
        assert invoice["pre_payment_credit_notes_amount"] == credited[invoice["id"], "pre_payment_amount"]
        assert invoice["post_payment_credit_notes_amount"] == credited[invoice["id"], "post_payment_amount"]
    moved: Counter[str] = Counter()
    for movement in shop.all("customer_balance_transaction"):
        moved[movement["customer"]] += movement["amount"]
    for customer in shop.all("customer"):
        assert customer.get("deleted") or customer["balance"] == moved[customer["id"]]


def test_running_periods_hold_the_present(shop: Shop) -> None:
    for subscription in shop.all("subscription"):
        if subscription["status"] in ("active", "trialing", "past_due", "unpaid"):
            for item in subscription["items"]["data"]:
                assert item["current_period_start"] <= shop.until < item["current_period_end"]


def test_sixty_days_later_everything_was_billed_in_order(shop: Shop) -> None:
    """This one moves the clock and so comes last."""
    shop.sandbox.advance(60 * DAY)

    later = shop.read_again()
    later.until += 60 * DAY
    assert len(later.all("invoice")) > len(shop.all("invoice"))
    for check in (
        test_an_invoice_is_the_sum_of_its_lines,
        test_what_was_paid_of_an_invoice_is_what_its_payments_brought,
        test_no_period_is_billed_twice_and_the_latest_invoice_is_the_latest,
        test_numbers_have_no_gap,
        test_credit_notes_and_balances_agree_with_their_invoices,
        test_running_periods_hold_the_present,
        test_automatic_payouts_and_what_is_in_them_make_zero,
    ):
        check(later)
    events = sorted(shop.sandbox.objects("event"), key=lambda event: event["created"])
    assert events[-1]["created"] <= later.until + 60
    assert "incomplete" not in {one["status"] for one in later.all("subscription")}
    assert "requires_capture" not in {
        one["status"] for one in later.all("payment_intent") if one["created"] < later.until - 8 * DAY
    }


def _method(subscription: dict[str, Any]) -> str | None:
    named = subscription["default_payment_method"]
    return None if named is None else str(named)
