"""Checkout Sessions over the API: what they cost, how they end, and what Stripe's own page does with them."""

from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import events, refused
from tests.sandbox.sdk_types import misfits

BACK: Any = {
    "success_url": "https://shop.example/thanks?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.example/",
}


def tea(amount: int = 1_500, quantity: int = 2, currency: str = "usd") -> Any:
    data = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Tea"}}
    return {"price_data": data, "quantity": quantity}


def session_for(client: stripe.StripeClient, **more: Any) -> stripe.checkout.Session:
    params: Any = {"mode": "payment", "line_items": [tea()], **BACK, **more}
    return client.v1.checkout.sessions.create(params)


def press(sandbox: Sandbox, session: str, method: str, amount: int = 3_000) -> Any:
    """What Stripe's CLI does in place of a browser."""
    form = {"payment_method": method, "expected_amount": str(amount)}
    return sandbox.call("POST", f"/v1/payment_pages/{session}/confirm", form)


def card(client: stripe.StripeClient, name: str = "visa") -> str:
    billing: Any = {"email": "jenny@example.com", "name": "Jenny Rosen"}
    return client.v1.payment_methods.create(
        {"type": "card", "card": {"token": f"tok_{name}"}, "billing_details": billing}
    ).id


def test_a_session_costs_what_is_in_it_and_leads_to_a_page_of_ours(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    session = session_for(client, client_reference_id="basket-7", metadata={"a": "b"}, line_items=[tea(), tea(99, 1)])

    assert (session.amount_subtotal, session.amount_total, session.currency) == (3_099, 3_099, "usd")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert session.url == f"{sandbox.url}/c/pay/{session.id}"
    assert session.id.startswith("cs_test_")
    assert session.expires_at == session.created + 86_400
    items = client.v1.checkout.sessions.line_items.list(session.id).data
    assert [(item.description, item.quantity, item.amount_total) for item in items] == [
        ("Tea", 2, 3_000),
        ("Tea", 1, 99),
    ]
    shown = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert shown.line_items is not None
    assert [item.id for item in shown.line_items.data] == [item.id for item in items]


def test_paying_completes_it(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = session_for(client, payment_intent_data={"metadata": {"basket": "7"}, "description": "Tea for two"})
    before = len(events(sandbox))

    assert press(sandbox, session.id, card(client)).status_code == 200

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert (done.status, done.payment_status, done.url, done.customer) == ("complete", "paid", None, None)
    assert done.customer_details is not None
    assert (done.customer_details.email, done.customer_details.name) == ("jenny@example.com", "Jenny Rosen")
    assert isinstance(done.payment_intent, stripe.PaymentIntent)
    assert (done.payment_intent.amount, done.payment_intent.description) == (3_000, "Tea for two")
    assert done.payment_intent.metadata["basket"] == "7"
    assert events(sandbox, after=before) == [
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
    ]  # fmt: skip
    assert client.v1.checkout.sessions.list({"payment_intent": done.payment_intent.id}).data[0].id == session.id


def test_a_declined_card_leaves_it_open_for_another(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = session_for(client)

    answer = press(sandbox, session.id, card(client, "chargeDeclined"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "card_declined")
    after = client.v1.checkout.sessions.retrieve(session.id)
    assert (after.status, after.payment_status) == ("open", "unpaid")
    assert press(sandbox, session.id, card(client)).status_code == 200
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert (paid.status, paid.payment_intent) == ("complete", after.payment_intent)
    assert len(sandbox.objects("payment_intent")) == 1
    assert press(sandbox, session.id, card(client)).status_code == 400
    assert len([one for one in sandbox.objects("charge") if one["paid"]]) == 1


def test_a_debit_completes_it_unpaid_and_the_bank_decides_later(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    bank: Any = {
        "type": "sepa_debit",
        "sepa_debit": {"iban": "AT611904300234573201"},
        "billing_details": {"name": "Jenny Rosen", "email": "jenny@example.com"},
    }
    good = session_for(client, line_items=[tea(currency="eur")], allowed_payment_method_types=["sepa_debit"])
    bad = session_for(client, line_items=[tea(currency="eur")], allowed_payment_method_types=["sepa_debit"])

    assert press(sandbox, good.id, client.v1.payment_methods.create(bank).id).status_code == 200
    bank["sepa_debit"] = {"iban": "AT861904300235473202"}
    assert press(sandbox, bad.id, client.v1.payment_methods.create(bank).id).status_code == 200

    waiting = client.v1.checkout.sessions.retrieve(good.id)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    sandbox.advance(30)
    assert client.v1.checkout.sessions.retrieve(good.id).payment_status == "paid"
    assert client.v1.checkout.sessions.retrieve(bad.id).payment_status == "unpaid"
    types = [name for name in events(sandbox) if name.startswith("checkout.")]
    assert types == [
        "checkout.session.completed", "checkout.session.completed",
        "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed",
    ]  # fmt: skip


def test_it_expires_by_hand_or_after_a_day(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    by_hand, by_time, done = session_for(client), session_for(client), session_for(client)
    press(sandbox, done.id, card(client))

    expired = client.v1.checkout.sessions.expire(by_hand.id)
    sandbox.advance(86_401)

    assert (expired.status, expired.url) == ("expired", None)
    assert client.v1.checkout.sessions.retrieve(by_time.id).status == "expired"
    assert client.v1.checkout.sessions.retrieve(done.id).status == "complete"
    error = refused(client.v1.checkout.sessions.expire, done.id)
    assert "status of complete" in str(error.user_message)
    assert events(sandbox).count("checkout.session.expired") == 2
    assert press(sandbox, by_time.id, card(client)).status_code == 400


def test_an_expired_session_takes_its_unfinished_payment_along(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = session_for(client)
    press(sandbox, session.id, card(client, "authenticationRequired"))
    begun = client.v1.checkout.sessions.retrieve(session.id)

    client.v1.checkout.sessions.expire(session.id)

    assert client.v1.payment_intents.retrieve(str(begun.payment_intent)).status == "canceled"
    assert events(sandbox)[-2:] == ["payment_intent.canceled", "checkout.session.expired"]


def test_three_d_secure_completes_it_when_the_customer_comes_back(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = session_for(client)

    press(sandbox, session.id, card(client, "authenticationRequired"))

    open_ = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(open_.payment_intent, stripe.PaymentIntent)
    assert (open_.status, open_.payment_intent.status) == ("open", "requires_action")
    sandbox.control("POST", "money/authenticate", {"id": open_.payment_intent.id, "outcome": "pass"})
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert events(sandbox)[-1] == "checkout.session.completed"


def test_setup_mode_saves_a_card_for_the_customer(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"email": "ana@example.com"})
    params: Any = {"mode": "setup", "customer": customer.id, "currency": "usd", **BACK}
    params["setup_intent_data"] = {"metadata": {"a": "b"}}
    session = client.v1.checkout.sessions.create(params)
    assert session.setup_intent is not None

    assert press(sandbox, session.id, card(client), 0).status_code == 200

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert isinstance(done.setup_intent, stripe.SetupIntent)
    assert (done.status, done.payment_status, done.setup_intent.status) == (
        "complete",
        "no_payment_required",
        "succeeded",
    )
    assert done.setup_intent.metadata is not None
    assert done.setup_intent.metadata["a"] == "b"
    saved = client.v1.payment_methods.list({"customer": customer.id}).data
    assert [method.id for method in saved] == [done.setup_intent.payment_method]


def test_a_payment_kept_for_later_makes_a_customer(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = session_for(client, payment_intent_data={"setup_future_usage": "off_session"})

    press(sandbox, session.id, card(client))

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert isinstance(done.customer, stripe.Customer)
    assert done.customer.email == "jenny@example.com"
    assert len(client.v1.payment_methods.list({"customer": done.customer.id}).data) == 1


def test_a_coupon_takes_its_part_to_the_last_cent(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    coupon = client.v1.coupons.create({"amount_off": 1_000, "currency": "usd"})

    session = session_for(
        client, discounts=[{"coupon": coupon.id}], line_items=[tea(333, 1), tea(333, 1), tea(1_334, 1)]
    )

    assert (session.amount_subtotal, session.amount_total) == (2_000, 1_000)
    assert session.total_details is not None
    assert session.total_details.amount_discount == 1_000
    parts = client.v1.checkout.sessions.line_items.list(session.id).data
    assert sum(item.amount_discount for item in parts) == 1_000
    assert sum(item.amount_total for item in parts) == 1_000


def test_what_costs_nothing_needs_no_payment(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    coupon = client.v1.coupons.create({"percent_off": 100})
    session = session_for(client, discounts=[{"coupon": coupon.id}])

    press(sandbox, session.id, card(client), 0)

    done = client.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status, done.payment_intent) == ("complete", "no_payment_required", None)
    assert sandbox.objects("charge") == []


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"success_url": ""}, "parameter_missing", "success_url"),
        ({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
        ({"mode": "pay"}, None, "mode"),
        ({"line_items": []}, "parameter_missing", "line_items"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "resource_missing", "line_items[0][price]"),
        ({"mode": "subscription"}, None, "line_items"),
        ({"line_items": [tea(10, 1)]}, "amount_too_small", "line_items"),
        ({"line_items": [tea(), tea(currency="eur")]}, None, "line_items"),
        ({"expires_at": 100}, None, "expires_at"),
        ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported", "payment_method_types"),
        ({"customer": "cus_none"}, "resource_missing", "customer"),
        ({"cheese": "1"}, "parameter_unknown", "cheese"),
    ],
)
def test_a_session_that_makes_no_sense_is_refused(
    sandbox: Sandbox, params: dict[str, Any], code: str | None, param: str
) -> None:
    client = sandbox.stripe()

    error = refused(session_for, client, **params)

    assert (error.http_status, error.code, error.param) == (400, code, param)
    assert sandbox.objects("checkout.session") == sandbox.objects("payment_intent") == []


def test_sessions_fit_the_types_of_the_sdk(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    fields: Any = [{"key": "size", "label": {"custom": "Size", "type": "custom"}, "type": "text"}]
    session_for(client, custom_fields=fields, shipping_address_collection={"allowed_countries": ["DE"]})
    press(sandbox, session_for(client).id, card(client))
    client.v1.checkout.sessions.create(
        {"mode": "payment", "line_items": [tea()], "ui_mode": "embedded_page", "return_url": "https://shop.example/"}
    )

    wrong = {line for one in sandbox.objects("checkout.session") for line in misfits(one, stripe.checkout.Session)}

    assert wrong == set()


def subscribe(client: stripe.StripeClient, **more: Any) -> stripe.checkout.Session:
    product = client.v1.products.create({"name": "Tea club"})
    price = client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}
    )
    params: Any = {"mode": "subscription", "line_items": [{"price": price.id, "quantity": 1}], **BACK, **more}
    return client.v1.checkout.sessions.create(params)


def test_subscription_mode_pays_the_first_invoice(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = subscribe(client, subscription_data={"metadata": {"club": "tea"}})

    assert press(sandbox, session.id, card(client), 900).status_code == 200

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "invoice", "customer"]})
    assert isinstance(done.subscription, stripe.Subscription)
    assert isinstance(done.invoice, stripe.Invoice)
    assert isinstance(done.customer, stripe.Customer)
    assert (done.status, done.payment_status, done.subscription.status) == ("complete", "paid", "active")
    assert (done.invoice.status, done.invoice.amount_paid, done.payment_intent) == ("paid", 900, None)
    assert done.subscription.metadata["club"] == "tea"
    assert done.subscription.default_payment_method is not None
    sandbox.advance(32 * 86_400)
    renewed = client.v1.invoices.list({"subscription": done.subscription.id}).data
    assert [(invoice.status, invoice.billing_reason) for invoice in renewed] == [
        ("paid", "subscription_cycle"),
        ("paid", "subscription_create"),
    ]


def test_a_declined_card_leaves_the_subscription_to_the_next_try(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = subscribe(client)

    assert press(sandbox, session.id, card(client, "chargeDeclined"), 900).status_code == 402
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert press(sandbox, session.id, card(client), 900).status_code == 200

    assert [one["status"] for one in sandbox.objects("subscription")] == ["active"]
    assert len(client.v1.invoices.list({}).data) == 1


def test_three_d_secure_starts_the_subscription(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = subscribe(client)
    press(sandbox, session.id, card(client, "authenticationRequired"), 900)
    (intent,) = [one for one in sandbox.objects("payment_intent") if one["status"] == "requires_action"]

    sandbox.control("POST", "money/authenticate", {"id": intent["id"], "outcome": "pass"})

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert isinstance(done.subscription, stripe.Subscription)
    assert (done.status, done.payment_status, done.subscription.status) == ("complete", "paid", "active")


def test_a_trial_keeps_the_card_and_charges_nothing(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = subscribe(client, subscription_data={"trial_period_days": "7"})

    assert press(sandbox, session.id, card(client), 900).status_code == 200

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert isinstance(done.subscription, stripe.Subscription)
    assert (done.status, done.payment_status, done.subscription.status) == (
        "complete",
        "no_payment_required",
        "trialing",
    )
    assert sandbox.objects("charge") == []
    sandbox.advance(8 * 86_400)
    assert client.v1.subscriptions.retrieve(done.subscription.id).status == "active"


def test_a_subscription_by_debit_begins_when_the_bank_has_paid(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    session = subscribe(client, allowed_payment_method_types=["us_bank_account"])
    account = client.v1.payment_methods.retrieve("pm_usBankAccount_success").id

    assert press(sandbox, session.id, account, 900).status_code == 200

    waiting = client.v1.checkout.sessions.retrieve(session.id)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    sandbox.advance(30)
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert isinstance(paid.subscription, stripe.Subscription)
    assert (paid.payment_status, paid.subscription.status) == ("paid", "active")
    assert events(sandbox)[-1] == "checkout.session.async_payment_succeeded"


def test_a_promotion_code_is_typed_beside_the_basket(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    coupon = client.v1.coupons.create({"percent_off": 10})
    code = client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "TEA10", "max_redemptions": 1}
    )
    session = session_for(client, allow_promotion_codes=True)
    field = f"{session.url}/promotion"

    wrong = sandbox.http.post(field, data={"promotion": "COFFEE"}, allow_redirects=False, timeout=10)
    right = sandbox.http.post(field, data={"promotion": "tea10"}, allow_redirects=False, timeout=10)

    assert (wrong.status_code, "This code is not valid." in wrong.text, right.status_code) == (200, True, 303)
    cheaper = client.v1.checkout.sessions.retrieve(session.id)
    assert (cheaper.amount_subtotal, cheaper.amount_total) == (3_000, 2_700)
    assert press(sandbox, session.id, card(client), 2_700).status_code == 200
    assert client.v1.promotion_codes.retrieve(code.id).times_redeemed == 1
    other = session_for(client, allow_promotion_codes=True)
    late = sandbox.http.post(f"{other.url}/promotion", data={"promotion": "TEA10"}, allow_redirects=False, timeout=10)
    assert "This code is not valid." in late.text
    assert [one["amount"] for one in sandbox.objects("charge")] == [2_700]
