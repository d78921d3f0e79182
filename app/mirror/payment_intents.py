"""Payment intents."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, next_step, problem, ref, when
from app.mirror.news import News
from app.models.payment_intent import PaymentIntent


def row(obj: Obj) -> Row:
    return {
        "amount": obj.get("amount") or 0,
        "amount_capturable": obj.get("amount_capturable") or 0,
        "amount_received": obj.get("amount_received") or 0,
        "currency": obj.get("currency") or "",
        "status": obj.get("status") or "unknown",
        "customer_id": ref(obj.get("customer")),
        "payment_method_id": ref(obj.get("payment_method")),
        "latest_charge_id": ref(obj.get("latest_charge")),
        "capture_method": obj.get("capture_method"),
        "confirmation_method": obj.get("confirmation_method"),
        "setup_future_usage": obj.get("setup_future_usage"),
        "description": obj.get("description"),
        "receipt_email": obj.get("receipt_email"),
        "cancellation_reason": obj.get("cancellation_reason"),
        "canceled_at": when(obj.get("canceled_at")),
        "last_payment_error": problem(obj.get("last_payment_error")),
        "next_action": next_step(obj.get("next_action")),
        "payment_method_types": obj.get("payment_method_types"),
        "review_id": ref(obj.get("review")),
    }


def rank(obj: Obj) -> int:
    """Only the two ends are final. Before them it goes back and forth: a decline returns to requires_payment_method."""
    return 90 if obj.get("status") in {"succeeded", "canceled"} else 10


DOOR = Door(PaymentIntent, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
