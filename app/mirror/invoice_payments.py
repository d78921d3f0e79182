"""What links an invoice to the payment intent or charge that pays it."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, part, ref
from app.mirror.news import News
from app.models.invoice import InvoicePayment


def row(obj: Obj) -> Row:
    payment = part(obj, "payment")
    return {
        "invoice_id": ref(obj.get("invoice")),
        "payment_type": payment.get("type"),
        "payment_intent_id": ref(payment.get("payment_intent")),
        "charge_id": ref(payment.get("charge")),
        "amount_requested": obj.get("amount_requested"),
        "amount_paid": obj.get("amount_paid"),
        "currency": obj.get("currency"),
        "is_default": obj.get("is_default"),
        "status": obj.get("status"),
    }


def rank(obj: Obj) -> int:
    return 1 if obj.get("status") == "open" else 9


DOOR = Door(InvoicePayment, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
