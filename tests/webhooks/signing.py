"""Events as Stripe sends them, signed as Stripe signs them."""

import hmac
import itertools
import time
from hashlib import sha256
from typing import Any

import orjson
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.world import WEBHOOK_SECRET

_numbers = itertools.count(1)


def signature(body: bytes, *, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    timestamp = int(time.time() if at is None else at)
    return f"t={timestamp},v1={v1(body, timestamp, secret)}"


def v1(body: bytes, timestamp: int, secret: str = WEBHOOK_SECRET) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()


def event(kind: str, thing: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An event of this type about this object; `changes` replace single fields."""
    return {
        "id": f"evt_{next(_numbers):08d}",
        "object": "event",
        "type": kind,
        "created": 1_790_000_000,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": None},
        "data": {"object": thing},
    } | changes


def customer(customer_id: str = "cus_1", **changes: Any) -> dict[str, Any]:
    return {
        "id": customer_id,
        "object": "customer",
        "created": 1_790_000_000,
        "email": "ana@example.com",
        "name": "Ana",
        "livemode": False,
        "metadata": {},
        "invoice_settings": {"default_payment_method": None},
    } | changes


def charge(charge_id: str = "ch_1", **changes: Any) -> dict[str, Any]:
    return {
        "id": charge_id,
        "object": "charge",
        "created": 1_790_000_000,
        "amount": 2_000,
        "amount_captured": 2_000,
        "amount_refunded": 0,
        "currency": "eur",
        "status": "succeeded",
        "captured": True,
        "paid": True,
        "refunded": False,
        "disputed": False,
        "customer": "cus_1",
        "payment_intent": "pi_1",
        "livemode": False,
        "metadata": {},
        "billing_details": {},
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
    } | changes


def post(client: FlaskClient, said: dict[str, Any] | bytes, **headers: str) -> TestResponse:
    """Deliver it; a header `Stripe-Signature` may be given as `stripe_signature`."""
    body = said if isinstance(said, bytes) else orjson.dumps(said)
    given = {"Stripe-Signature": headers.pop("stripe_signature", None) or signature(body)}
    return client.post("/webhooks/stripe", data=body, headers=given | headers, content_type="application/json")
