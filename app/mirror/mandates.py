"""Mandates: Stripe lists them nowhere and does not say whose they are."""

from collections.abc import Sequence

from sqlalchemy import text

from app.database import db
from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, part, ref, typed, when
from app.mirror.news import News
from app.models.mandate import Mandate


def row(obj: Obj) -> Row:
    method = part(obj, "payment_method_details")
    details = typed(method)
    acceptance = part(obj, "customer_acceptance")
    return {
        "status": obj.get("status") or "unknown",
        "type": obj.get("type"),
        "payment_method_id": ref(obj.get("payment_method")),
        "payment_method_type": method.get("type"),
        "reference": details.get("reference"),
        "url": details.get("url"),
        "network_status": details.get("network_status"),
        "revocation_reason": details.get("revocation_reason"),
        "accepted_at": when(acceptance.get("accepted_at")),
        "acceptance_type": acceptance.get("type"),
        "acceptance": acceptance,
    }


def rank(obj: Obj) -> int:
    """Pending comes first; a bank may wake up an inactive one."""
    return 1 if obj.get("status") == "pending" else 2


DOOR = Door(Mandate, row, rank, ours=("customer_id",))


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    saved = DOOR.save(objects, news)
    if saved.applied:
        learn_customers(saved.applied)
    return saved


def learn_customers(ids: Sequence[str] | None = None) -> None:
    """Whose mandates these are (all of them without `ids`), as far as their payment methods are known."""
    chosen = "" if ids is None else "AND m.id = ANY(:ids)"
    db.session.execute(
        text(
            "UPDATE mandates m SET customer_id = p.customer_id FROM payment_methods p WHERE p.id = m.payment_method_id "
            f"AND p.customer_id IS NOT NULL AND m.customer_id IS DISTINCT FROM p.customer_id {chosen}"
        ),
        {} if ids is None else {"ids": sorted(ids)},
    )
