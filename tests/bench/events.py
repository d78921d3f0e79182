"""Events of a believable shop, as large as Stripe's own."""

from collections.abc import Iterator
from typing import Any

import orjson

from tests.webhooks.signing import charge, customer, event

NOON = 1_790_000_000


def bodies(count: int, run: str) -> Iterator[bytes]:
    """What a shop sends: for each payment a customer, an intent made and succeeded, and a charge; some hundred in a second."""
    for number in range(count):
        payment, step = divmod(number, 4)
        at = NOON + payment // 100
        owner, intent, paid = f"cus_{run}{payment:020d}", f"pi_{run}{payment:020d}", f"ch_{run}{payment:020d}"
        kind, thing = (
            ("customer.created", customer(owner, **_PERSON)),
            ("payment_intent.created", _intent(intent, owner, None, "requires_payment_method")),
            ("charge.succeeded", charge(paid, customer=owner, payment_intent=intent, **_CARD)),
            ("payment_intent.succeeded", _intent(intent, owner, paid, "succeeded")),
        )[step]
        yield orjson.dumps(event(kind, thing, id=f"evt_{run}{number:020d}", created=at))


def _intent(intent_id: str, owner: str, paid: str | None, status: str) -> dict[str, Any]:
    return {
        "id": intent_id, "object": "payment_intent", "amount": 2_000, "amount_capturable": 0, "amount_details": {"tip": {}},
        "amount_received": 2_000 if paid else 0, "application": None, "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "never", "enabled": True}, "canceled_at": None,
        "cancellation_reason": None, "capture_method": "automatic_async", "client_secret": f"{intent_id}_secret_x",
        "confirmation_method": "automatic", "created": NOON, "currency": "eur", "customer": owner, "description": "Order",
        "last_payment_error": None, "latest_charge": paid, "livemode": False, "metadata": {"order": "6735"},
        "next_action": None, "on_behalf_of": None, "payment_method": "pm_1" if paid else None,
        "payment_method_options": {"card": {"installments": None, "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"], "processing": None, "receipt_email": None, "review": None,
        "setup_future_usage": None, "shipping": None, "statement_descriptor": None, "status": status, "transfer_group": None,
    }  # fmt: skip


_ADDRESS = {"city": "Berlin", "country": "DE", "line1": "Weg 1", "line2": None, "postal_code": "10115", "state": None}
_PERSON: dict[str, Any] = {
    "address": _ADDRESS, "balance": 0, "currency": "eur", "default_source": None, "delinquent": False, "description": None,
    "discount": None, "invoice_prefix": "5A1B2C3D", "phone": "+491512345", "preferred_locales": ["de"], "shipping": None,
    "tax_exempt": "none", "test_clock": None, "next_invoice_sequence": 1,
}  # fmt: skip
_CARD: dict[str, Any] = {
    "application": None, "application_fee": None, "balance_transaction": "txn_1", "billing_details": {
        "address": _ADDRESS, "email": "ana@example.com", "name": "Ana Example", "phone": None, "tax_id": None,
    }, "calculated_statement_descriptor": "SHOP", "description": "Order 6735", "failure_code": None, "failure_message": None,
    "fraud_details": {}, "metadata": {"order": "6735"}, "on_behalf_of": None, "outcome": {
        "advice_code": None, "network_advice_code": None, "network_decline_code": None, "network_status": "approved_by_network",
        "reason": None, "risk_level": "normal", "risk_score": 32, "seller_message": "Payment complete.", "type": "authorized",
    }, "payment_method": "pm_1", "payment_method_details": {"type": "card", "card": {
        "amount_authorized": 2_000, "authorization_code": "123456", "brand": "visa", "checks": {
            "address_line1_check": "pass", "address_postal_code_check": "pass", "cvc_check": "pass",
        }, "country": "DE", "exp_month": 8, "exp_year": 2029, "fingerprint": "mToisGZ01V71BCos", "funding": "credit",
        "incremental_authorization": {"status": "unavailable"}, "installments": None, "last4": "4242", "mandate": None,
        "network": "visa", "network_token": {"used": False}, "network_transaction_id": "976910110049114", "wallet": None,
        "three_d_secure": None, "overcapture": {"maximum_amount_capturable": 2_000, "status": "unavailable"},
    }}, "receipt_email": None, "receipt_number": None, "receipt_url": "https://pay.stripe.com/receipts/payment/CAcaFwoVYWNjd",
    "review": None, "shipping": None, "source_transfer": None, "statement_descriptor": None, "transfer_group": None,
}  # fmt: skip
