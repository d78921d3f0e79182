"""Objects as Stripe sends them, small: only the fields the mirror looks at, and a few more. Keywords replace single fields."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from app.mirror.news import News

Obj = dict[str, Any]

NOON = 1_793_620_800  # 2026-11-02 12:00:00 UTC
_numbers = itertools.count(1)


def new_id(prefix: str) -> str:
    return f"{prefix}_{next(_numbers):014d}"


def told(account_id: int, second: int = 0, *, heard: float | None = None) -> News:
    """News of an event of NOON + `second`, which reached us `heard` seconds after NOON (else at once)."""
    seen = datetime.fromtimestamp(NOON + second, UTC)
    late = second if heard is None else heard
    return News(account_id, seen, datetime.fromtimestamp(NOON, UTC) + timedelta(seconds=late), by_read=False)


def read(account_id: int, second: float = 0) -> News:
    """News of a read that began `second` seconds after NOON."""
    began = datetime.fromtimestamp(NOON, UTC) + timedelta(seconds=second)
    return News(account_id, began.replace(microsecond=0), began, by_read=True)


def customer(**fields: Any) -> Obj:
    plain = {
        "id": new_id("cus"),
        "object": "customer",
        "address": {"country": "DE", "line1": None},
        "balance": 0,
        "created": NOON,
        "currency": "eur",
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": "jo@example.com",
        "invoice_settings": {"default_payment_method": None},
        "livemode": False,
        "metadata": {},
        "name": "Jo",
        "phone": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    return plain | fields


def charge(**fields: Any) -> Obj:
    """A card payment of 50.00 EUR, succeeded and captured."""
    amount = fields.get("amount", 5_000)
    plain = {
        "id": new_id("ch"),
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "balance_transaction": "txn_1",
        "billing_details": {"name": "Jo", "email": None},
        "captured": True,
        "created": NOON,
        "currency": "eur",
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "outcome": {
            "type": "authorized",
            "reason": None,
            "risk_level": "normal",
            "network_status": "approved_by_network",
        },
        "paid": True,
        "payment_intent": None,
        "payment_method": "pm_1",
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "country": "DE", "fingerprint": "fp", "last4": "4242"},
        },
        "receipt_email": None,
        "receipt_url": None,
        "refunded": False,
        "status": "succeeded",
    }
    return plain | fields


def refund(of: Obj, **fields: Any) -> Obj:
    plain = {
        "id": new_id("re"),
        "object": "refund",
        "amount": 1_000,
        "balance_transaction": None,
        "charge": of["id"],
        "created": NOON,
        "currency": of["currency"],
        "destination_details": {"type": "card", "card": {"type": "refund", "reference_status": "pending"}},
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "receipt_number": None,
        "status": "succeeded",
    }
    return plain | fields


def payment_intent(**fields: Any) -> Obj:
    plain = {
        "id": new_id("pi"),
        "object": "payment_intent",
        "amount": 5_000,
        "amount_capturable": 0,
        "amount_received": 5_000,
        "client_secret": "pi_1_secret_never",
        "created": NOON,
        "currency": "eur",
        "customer": None,
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "status": "succeeded",
    }
    return plain | fields


def line(**fields: Any) -> Obj:
    plain = {
        "id": new_id("il"),
        "object": "line_item",
        "amount": 100,
        "currency": "eur",
        "description": "A month",
        "metadata": {},
        "period": {"start": NOON, "end": NOON + 86_400},
        "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
        "quantity": 1,
    }
    return plain | fields


def invoice(lines: list[Obj] | None = None, *, has_more: bool = False, **fields: Any) -> Obj:
    """An open invoice with these lines."""
    identity = fields.get("id") or new_id("in")
    lines = [line()] if lines is None else lines
    total = sum(one["amount"] for one in lines)
    plain = {
        "id": identity,
        "object": "invoice",
        "amount_due": total,
        "amount_paid": 0,
        "amount_remaining": total,
        "created": NOON,
        "currency": "eur",
        "customer": "cus_1",
        "lines": {"object": "list", "data": lines, "has_more": has_more, "url": f"/v1/invoices/{identity}/lines"},
        "metadata": {},
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
        "status": "open",
        "status_transitions": {"finalized_at": NOON, "paid_at": None},
        "subtotal": total,
        "total": total,
    }
    return plain | fields


def subscription(items: list[Obj] | None = None, *, has_more: bool = False, **fields: Any) -> Obj:
    identity = fields.get("id") or new_id("sub")
    items = [item()] if items is None else items
    plain = {
        "id": identity,
        "object": "subscription",
        "created": NOON,
        "currency": "eur",
        "customer": "cus_1",
        "items": {
            "object": "list",
            "data": items,
            "has_more": has_more,
            "url": f"/v1/subscription_items?subscription={identity}",
        },
        "metadata": {},
        "start_date": NOON,
        "status": "active",
    }
    return plain | fields


def item(**fields: Any) -> Obj:
    plain = {
        "id": new_id("si"),
        "object": "subscription_item",
        "created": NOON,
        "current_period_end": NOON + 30 * 86_400,
        "current_period_start": NOON,
        "metadata": {},
        "price": {"id": "price_1", "object": "price", "product": "prod_1"},
        "quantity": 1,
    }
    return plain | fields


def balance_transaction(**fields: Any) -> Obj:
    plain = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": 5_000,
        "available_on": NOON + 172_800,
        "created": NOON,
        "currency": "eur",
        "exchange_rate": None,
        "fee": 175,
        "fee_details": [{"amount": 175, "currency": "eur", "type": "stripe_fee"}],
        "net": 4_825,
        "reporting_category": "charge",
        "source": "ch_1",
        "status": "pending",
        "type": "charge",
    }
    return plain | fields


def mandate(**fields: Any) -> Obj:
    """A SEPA mandate that was given online."""
    kind = fields.pop("kind", "sepa_debit")
    plain = {
        "id": new_id("mandate"),
        "object": "mandate",
        "customer_acceptance": {
            "accepted_at": NOON,
            "online": {"ip_address": "203.0.113.9", "user_agent": "Quetzal/5.0"},
            "type": "online",
        },
        "livemode": False,
        "multi_use": {},
        "payment_method": "pm_1",
        "payment_method_details": {
            "type": kind,
            kind: {"reference": "REF-1", "url": "https://stripe.example/mandate/1"},
        },
        "status": "active",
        "type": "multi_use",
    }
    return plain | fields


def payment_method(**fields: Any) -> Obj:
    """A saved card."""
    plain = {
        "id": new_id("pm"),
        "object": "payment_method",
        "billing_details": {"name": "Jo", "email": None},
        "card": {"brand": "visa", "exp_month": 4, "exp_year": 2031, "fingerprint": "fp", "last4": "4242"},
        "created": NOON,
        "customer": "cus_1",
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    return plain | fields
