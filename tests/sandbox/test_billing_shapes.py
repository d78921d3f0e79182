"""Every object of billing has the fields and types that the official SDK declares for it."""

from typing import Any

import pytest
import stripe

from tests.sandbox import billing
from tests.sandbox.billing import DAY, customer, item_of, latest, price, subscribe
from tests.sandbox.client import Sandbox
from tests.sandbox.money import refused
from tests.sandbox.sdk_types import misfits
from tests.sandbox.shapes import fields
from tests.sandbox.test_core_shapes import ALWAYS_SENT

ONLY_SOMETIMES = {"tiers", "currency_options"}
ENDIVE = {"Stripe-Version": stripe.api_version}

KINDS: dict[str, tuple[Any, str]] = {
    "coupon": (stripe.Coupon, "/v1/coupons"),
    "credit_note": (stripe.CreditNote, "/v1/credit_notes"),
    "invoice": (stripe.Invoice, "/v1/invoices"),
    "invoice_payment": (stripe.InvoicePayment, "/v1/invoice_payments"),
    "invoiceitem": (stripe.InvoiceItem, "/v1/invoiceitems"),
    "plan": (stripe.Plan, "/v1/plans"),
    "price": (stripe.Price, "/v1/prices"),
    "product": (stripe.Product, "/v1/products"),
    "promotion_code": (stripe.PromotionCode, "/v1/promotion_codes"),
    "subscription": (stripe.Subscription, "/v1/subscriptions?status=all"),
    "tax_rate": (stripe.TaxRate, "/v1/tax_rates"),
    "test_helpers.test_clock": (stripe.test_helpers.TestClock, "/v1/test_helpers/test_clocks"),
}
KEPT: dict[str, Any] = {
    "customer_balance_transaction": stripe.CustomerBalanceTransaction,
    "discount": stripe.Discount,
    "line_item": stripe.InvoiceLineItem,
    "subscription_item": stripe.SubscriptionItem,
}


@pytest.fixture
def busy(sandbox: Sandbox) -> Sandbox:
    """A world in which everything was billed once."""
    client = sandbox.stripe()
    ana = customer(client, shipping={"name": "Ana", "address": {"city": "Porto"}})
    vat = client.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False})
    coupon = client.v1.coupons.create({"percent_off": 25, "duration": "once"})
    client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "TEA25"})
    monthly, yearly = price(client), price(client, 9_900, "year", nickname="all year")
    tiers: Any = [{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount_decimal": "80.5", "flat_amount": 50}]
    tiered: Any = {"unit_amount": None, "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}
    sandbox.post("/v1/plans", {"amount": "300", "currency": "usd", "interval": "week", "product[name]": "Paper"})
    many = subscribe(
        client,
        ana.id,
        monthly.id,
        yearly.id,
        price(client, **tiered).id,
        discounts=[{"coupon": coupon.id}],
        default_tax_rates=[vat.id],
    )
    client.v1.subscriptions.update(many.id, {"items": [{"id": item_of(many).id, "quantity": 3}]})
    subscribe(client, customer(client, None).id, monthly.id, trial_period_days=10, cancel_at_period_end=True)
    subscribe(client, customer(client, "pm_card_threeDSecure2Required").id, monthly.id)
    subscribe(client, customer(client, "pm_card_chargeCustomerFail").id, monthly.id)
    gone = subscribe(client, ana.id, monthly.id, collection_method="send_invoice", days_until_due=10)
    client.v1.subscriptions.cancel(gone.id, {"cancellation_details": {"feedback": "unused", "comment": "too much tea"}})
    client.v1.subscriptions.pause(subscribe(client, ana.id, monthly.id).id)
    client.v1.invoice_items.create({"customer": ana.id, "amount": 700, "currency": "usd"})
    by_hand = client.v1.invoices.create({"customer": ana.id, "pending_invoice_items_behavior": "include"})
    client.v1.invoices.finalize_invoice(by_hand.id)
    client.v1.credit_notes.create({"invoice": by_hand.id, "amount": 200, "memo": "sorry"})
    client.v1.invoices.mark_uncollectible(by_hand.id)
    client.v1.credit_notes.create(
        {"invoice": latest(many).id, "amount": 300, "refund_amount": 200, "credit_amount": 100}
    )
    sandbox.advance(35 * DAY)
    billing.advance(sandbox, billing.clock(client, 1_800_000_000).id, 1_800_100_000)
    return sandbox


def test_every_object_fits_the_types_of_the_sdk(busy: Sandbox) -> None:
    listed = {
        kind: (cls, busy.get(path, params={"limit": "100"}, headers=ENDIVE)["data"])
        for kind, (cls, path) in KINDS.items()
    }
    kept = {kind: (cls, busy.objects(kind)) for kind, cls in KEPT.items()}

    everything = listed | kept
    assert [kind for kind, (_, objects) in everything.items() if not objects] == []
    wrong = {
        kind: sorted({misfit for obj in objects for misfit in misfits(obj, cls)})
        for kind, (cls, objects) in everything.items()
    }
    assert {kind: found for kind, found in wrong.items() if found} == {}


def test_objects_have_the_fields_stripe_always_sends(busy: Sandbox) -> None:
    classes = {kind: cls for kind, (cls, _) in KINDS.items()} | KEPT
    wanted = {kind: set(ALWAYS_SENT[kind]) & {*fields(cls), "object"} - ONLY_SOMETIMES for kind, cls in classes.items()}

    absent = {
        kind: sorted({name for one in busy.objects(kind) for name in names - set(one)})
        for kind, names in wanted.items()
        if kind != "plan"
    }
    assert {kind: names for kind, names in absent.items() if names} == {}


def test_older_versions_see_no_newer_fields(busy: Sandbox) -> None:
    subscription = busy.get("/v1/subscriptions")["data"][0]
    invoice = busy.get("/v1/invoices")["data"][0]

    assert "status_details" not in subscription
    assert "status_details" not in invoice
    assert "current_trial" not in subscription["items"]["data"][0]
    assert "current_trial" in busy.get("/v1/subscriptions", headers=ENDIVE)["data"][0]["items"]["data"][0]


def test_what_no_price_can_be(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    for more in ({"currency": "zzz"}, {"unit_amount": -5}, {"unit_amount": None}, {"recurring": {"interval": "hour"}}):
        assert refused(price, client, **more).http_status == 400
    assert sandbox.objects("price") == []
