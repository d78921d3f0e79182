"""Invoices and their lines."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, part, ref, when, whole
from app.mirror.nested import Family
from app.mirror.news import News
from app.models.invoice import Invoice, InvoiceLine

_RANKS = {"draft": 10, "open": 20, "uncollectible": 30, "paid": 90, "void": 90}


def row(obj: Obj) -> Row:
    moments = part(obj, "status_transitions")
    subscription = part(obj, "parent", "subscription_details").get("subscription") or obj.get("subscription")
    return {
        "number": obj.get("number"),
        "status": obj.get("status"),
        "currency": obj.get("currency") or "",
        "customer_id": ref(obj.get("customer")),
        "subscription_id": ref(subscription),
        "billing_reason": obj.get("billing_reason"),
        "collection_method": obj.get("collection_method"),
        "amount_due": obj.get("amount_due") or 0,
        "amount_paid": obj.get("amount_paid") or 0,
        "amount_remaining": obj.get("amount_remaining") or 0,
        "amount_overpaid": obj.get("amount_overpaid"),
        "subtotal": obj.get("subtotal") or 0,
        "total": obj.get("total") or 0,
        "starting_balance": obj.get("starting_balance"),
        "ending_balance": obj.get("ending_balance"),
        "attempt_count": obj.get("attempt_count"),
        "attempted": obj.get("attempted"),
        "auto_advance": obj.get("auto_advance"),
        "next_payment_attempt_at": when(obj.get("next_payment_attempt")),
        "due_at": when(obj.get("due_date")),
        "period_started_at": when(obj.get("period_start")),
        "period_ends_at": when(obj.get("period_end")),
        "finalized_at": when(moments.get("finalized_at")),
        "paid_at": when(moments.get("paid_at")),
        "voided_at": when(moments.get("voided_at")),
        "marked_uncollectible_at": when(moments.get("marked_uncollectible_at")),
        "hosted_invoice_url": obj.get("hosted_invoice_url"),
        "invoice_pdf": obj.get("invoice_pdf"),
        "total_taxes": obj.get("total_taxes"),
    }


def rank(obj: Obj) -> int:
    return _RANKS.get(obj.get("status") or "", 0)


def line_row(obj: Obj) -> Row:
    price = part(obj, "pricing", "price_details").get("price") or obj.get("price")
    subscription = part(obj, "parent", "subscription_item_details").get("subscription") or obj.get("subscription")
    period = part(obj, "period")
    return {
        "invoice_id": ref(obj.get("invoice")),
        "amount": obj.get("amount") or 0,
        "currency": obj.get("currency") or "",
        "description": obj.get("description"),
        "quantity": whole(obj.get("quantity")),
        "price_id": ref(price),
        "subscription_id": ref(subscription),
        "period_started_at": when(period.get("start")),
        "period_ends_at": when(period.get("end")),
    }


DOOR = Door(Invoice, row, rank)
LINES = Family("lines", "invoice_id", Door(InvoiceLine, line_row, rank=lambda _line: 0))


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return LINES.save(DOOR.save(objects, news), objects, news)
