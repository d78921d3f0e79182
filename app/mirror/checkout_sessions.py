"""Checkout Sessions."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, part, ref, when
from app.mirror.news import News
from app.models.checkout_session import CheckoutSession


def row(obj: Obj) -> Row:
    return {
        "mode": obj.get("mode"),
        "status": obj.get("status"),
        "payment_status": obj.get("payment_status"),
        "customer_id": ref(obj.get("customer")),
        "customer_email": part(obj, "customer_details").get("email") or obj.get("customer_email"),
        "client_reference_id": obj.get("client_reference_id"),
        "payment_intent_id": ref(obj.get("payment_intent")),
        "setup_intent_id": ref(obj.get("setup_intent")),
        "subscription_id": ref(obj.get("subscription")),
        "invoice_id": ref(obj.get("invoice")),
        "payment_link_id": ref(obj.get("payment_link")),
        "amount_subtotal": obj.get("amount_subtotal"),
        "amount_total": obj.get("amount_total"),
        "currency": obj.get("currency"),
        "expires_at": when(obj.get("expires_at")),
        "url": obj.get("url"),
    }


def rank(obj: Obj) -> int:
    """Open, then an end; a debit is complete before it is paid."""
    if obj.get("status") == "complete":
        return 90 if obj.get("payment_status") == "unpaid" else 91
    return 80 if obj.get("status") == "expired" else 10


DOOR = Door(CheckoutSession, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
