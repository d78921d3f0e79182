"""Every object the sandbox makes fits the types of the official SDK and has every field Stripe always sends."""

import json
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.shapes import complaints, fields
from tests.sandbox.test_core_files import png

ALWAYS_SENT: dict[str, list[str]] = json.loads((Path(__file__).parent / "fields.json").read_text())

CLASSES: dict[str, type[stripe.StripeObject]] = {
    "balance": stripe.Balance,
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "file": stripe.File,
    "file_link": stripe.FileLink,
    "mandate": stripe.Mandate,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "payout": stripe.Payout,
    "radar.early_fraud_warning": stripe.radar.EarlyFraudWarning,
    "refund": stripe.Refund,
    "setup_attempt": stripe.SetupAttempt,
    "setup_intent": stripe.SetupIntent,
    "token": stripe.Token,
    "webhook_endpoint": stripe.WebhookEndpoint,
}

ENDIVE = {"Stripe-Version": "2026-10-28.endive"}
ONLY_SOMETIMES = {"card", "multi_use", "single_use", "refunds", "sources", "subscriptions", "managed_payments"}
"""In the fixtures, but bound to a type of method or mandate, or to an expand."""


def pay(sandbox: Sandbox, method: str, **more: Any) -> Any:
    form = {
        "amount": 2500,
        "currency": "usd",
        "confirm": "true",
        "payment_method": method,
        "return_url": "http://a.test/",
    }
    return sandbox.call("POST", "/v1/payment_intents", form | more, headers=ENDIVE).json()


@pytest.fixture(scope="module")
def full(sandbox_process: Sandbox) -> Sandbox:
    """A world with at least one of everything."""
    sandbox = sandbox_process
    sandbox.reset()
    client = sandbox.stripe()
    client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["topup.failed"]})
    customer = client.v1.customers.create({"name": "Ana", "email": "ana@shop.test"})
    sandbox.call("POST", "/v1/payment_methods/pm_card_visa/attach", {"customer": customer.id})
    pay(sandbox, "pm_card_bypassPending", amount="50000")
    for method in ("pm_card_visa", "pm_card_chargeDeclined", "pm_card_createDispute"):
        pay(sandbox, method)
    pay(sandbox, "pm_card_createDisputeInquiry")
    pay(sandbox, "pm_card_authenticationRequired")
    pay(sandbox, "pm_card_visa", capture_method="manual", customer=customer.id)
    pay(sandbox, "pm_card_createIssuerFraudRecord")
    paid = pay(sandbox, "pm_card_visa")
    client.v1.refunds.create({"payment_intent": paid["id"], "amount": 500})
    setup = {"customer": customer.id, "confirm": True, "payment_method": "pm_card_visa", "return_url": "http://a.test/"}
    client.v1.setup_intents.create(setup)  # type: ignore[arg-type]
    iban = {"type": "sepa_debit", "sepa_debit[iban]": "DE89370400440532013000"}
    who = {"billing_details[name]": "Ana", "billing_details[email]": "ana@shop.test"}
    method = sandbox.post("/v1/payment_methods", iban | who)["id"]
    acceptance = "mandate_data[customer_acceptance]"
    mandate = {f"{acceptance}[type]": "offline", f"{acceptance}[accepted_at]": "1590590577"}
    pay(sandbox, method, currency="eur", **mandate)
    client.v1.payouts.create({"amount": 1000, "currency": "usd"})
    upload = sandbox.call("POST", "/v1/files", {"purpose": "dispute_evidence"}, files={"file": ("a.png", png())}).json()
    sandbox.post("/v1/file_links", {"file": upload["id"]})
    return sandbox


@pytest.mark.parametrize("kind", sorted(set(CLASSES) - {"balance", "token"}))
def test_objects_fit_the_sdks_types(full: Sandbox, kind: str) -> None:
    objects = full.objects(kind)

    assert objects, f"the journey made no {kind}"
    assert sorted({line for one in objects for line in complaints(one, CLASSES[kind], kind)}) == []


@pytest.mark.parametrize("kind", sorted(set(CLASSES) - {"balance", "token"}))
def test_objects_have_the_fields_stripe_always_sends(full: Sandbox, kind: str) -> None:
    wanted = set(ALWAYS_SENT[kind]) & (set(fields(CLASSES[kind])) | {"object"}) - ONLY_SOMETIMES

    assert sorted({name for one in full.objects(kind) for name in wanted - set(one)}) == []


def test_the_balance_fits_too(full: Sandbox) -> None:
    assert complaints(full.get("/v1/balance"), stripe.Balance, "balance") == []
