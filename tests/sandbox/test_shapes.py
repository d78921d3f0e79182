"""Every object of the money part has the fields and types that the official SDK declares for it."""

from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import MANDATE, RETURN_URL, debit, pay, refused
from tests.sandbox.sdk_types import misfits

KINDS: dict[str, Any] = {
    "balance": stripe.Balance,
    "balance_transaction": stripe.BalanceTransaction,
    "card": stripe.Card,
    "charge": stripe.Charge,
    "coupon": stripe.Coupon,
    "customer": stripe.Customer,
    "customer_cash_balance_transaction": stripe.CustomerCashBalanceTransaction,
    "dispute": stripe.Dispute,
    "mandate": stripe.Mandate,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "payout": stripe.Payout,
    "radar.early_fraud_warning": stripe.radar.EarlyFraudWarning,
    "refund": stripe.Refund,
    "setup_attempt": stripe.SetupAttempt,
    "setup_intent": stripe.SetupIntent,
    "token": stripe.Token,
}


@pytest.fixture
def busy(sandbox: Sandbox) -> Sandbox:
    """A world in which everything has happened."""
    client = sandbox.stripe()
    coupon = sandbox.post("/v1/coupons", {"percent_off": "20"})["id"]
    form = {
        "email": "a@example.com",
        "shipping[name]": "A",
        "shipping[address][city]": "Porto",
        "address[city]": "Porto",
    }
    customer = sandbox.post("/v1/customers", form | {"payment_method": "pm_card_visa", "coupon": coupon})["id"]
    sandbox.post(f"/v1/customers/{customer}/sources", {"source": "tok_visa"})
    card: Any = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2040", "cvc": "123"}
    client.v1.tokens.create({"card": card})
    for method in ("pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_createIssuerFraudRecord"):
        pay(client, method, 3_000, shipping={"name": "A", "address": {"line1": "Rua 1"}})
    for method in ("pm_card_refundFail", "pm_card_pendingRefund", "pm_card_jp"):
        client.v1.refunds.create({"payment_intent": pay(client, method, 9_000, "jpy").id})
    pay(client, capture_method="manual", customer=customer, setup_future_usage="off_session")
    refused(pay, client, "pm_card_chargeDeclined")
    refused(
        client.v1.setup_intents.create,
        {"payment_method": "pm_card_chargeDeclined", "confirm": True, "return_url": RETURN_URL},
    )
    pay(client, "pm_card_authenticationRequired")
    pay(client, "pm_card_bypassPending", 90_000)
    client.v1.payouts.create({"amount": 5_000, "currency": "usd"})
    client.v1.setup_intents.create(
        {"payment_method": "pm_card_visa", "confirm": True, "customer": customer, "return_url": RETURN_URL}
    )
    debit(client, "AT611904300234573201", customer=customer, setup_future_usage="off_session", mandate_data=MANDATE)
    debit(client, "AT861904300235473202")
    sandbox.post(f"/v1/test_helpers/customers/{customer}/fund_cash_balance", {"amount": "900", "currency": "eur"})
    sandbox.advance(90)
    return sandbox


def test_every_object_fits_the_types_of_the_sdk(busy: Sandbox) -> None:
    wrong = {
        kind: sorted({misfit for obj in _objects(busy, kind) for misfit in misfits(obj, KINDS[kind])}) for kind in KINDS
    }

    assert {kind: found for kind, found in wrong.items() if found} == {}


def test_every_kind_is_there_to_be_checked(busy: Sandbox) -> None:
    assert [kind for kind in KINDS if not _objects(busy, kind)] == []


def test_every_event_holds_an_object_of_the_sdk(busy: Sandbox) -> None:
    page = busy.get("/v1/events", params={"limit": 100}, headers={"Stripe-Version": stripe.api_version})

    assert {event["data"]["object"]["object"] for event in page["data"]} <= {*KINDS, "discount", "cash_balance"}
    assert all(
        "id" in event["data"]["object"] or event["data"]["object"]["object"] in {"balance", "cash_balance"}
        for event in page["data"]
    )


def _objects(sandbox: Sandbox, kind: str) -> list[dict[str, Any]]:
    if kind == "balance":
        return [sandbox.get("/v1/balance", headers={"Stripe-Version": stripe.api_version})]
    return sandbox.objects(kind)
