"""Credit notes."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, ref, when
from app.mirror.news import News
from app.models.credit_note import CreditNote


def row(obj: Obj) -> Row:
    return {
        "number": obj.get("number"),
        "status": obj.get("status") or "unknown",
        "type": obj.get("type"),
        "currency": obj.get("currency") or "",
        "customer_id": ref(obj.get("customer")),
        "invoice_id": ref(obj.get("invoice")),
        "total": obj.get("total") or 0,
        "subtotal": obj.get("subtotal"),
        "out_of_band_amount": obj.get("out_of_band_amount"),
        "reason": obj.get("reason"),
        "memo": obj.get("memo"),
        "pdf": obj.get("pdf"),
        "refund_ids": _refunds(obj),
        "effective_at": when(obj.get("effective_at")),
        "voided_at": when(obj.get("voided_at")),
    }


def _refunds(obj: Obj) -> list[str]:
    """Those of the list; older versions of the API had one only."""
    linked = [ref(one.get("refund")) for one in obj.get("refunds") or () if isinstance(one, dict)]
    return [one for one in (*linked, ref(obj.get("refund"))) if one]


def rank(obj: Obj) -> int:
    """Issued, then void for good."""
    return 9 if obj.get("status") == "void" else 1


DOOR = Door(CreditNote, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
