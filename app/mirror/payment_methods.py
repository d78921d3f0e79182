"""Payment methods."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, ref, typed
from app.mirror.news import News
from app.models.payment_method import PaymentMethod


def row(obj: Obj) -> Row:
    details = typed(obj)
    return {
        "customer_id": ref(obj.get("customer")),
        "type": obj.get("type") or "unknown",
        "allow_redisplay": obj.get("allow_redisplay"),
        "billing_details": obj.get("billing_details"),
        "brand": details.get("brand"),
        "last4": details.get("last4"),
        "exp_month": details.get("exp_month"),
        "exp_year": details.get("exp_year"),
        "expires_at": end_of(details.get("exp_month"), details.get("exp_year")),
        "fingerprint": details.get("fingerprint"),
        "funding": details.get("funding"),
        "country": details.get("country"),
        "bank_code": details.get("bank_code") or details.get("routing_number"),
    }


def end_of(month: Any, year: Any) -> datetime | None:
    """The instant from which a card is no longer good: the start of the next month, in UTC; None for what is no month."""
    if not (isinstance(month, int) and isinstance(year, int) and 1 <= month <= 12 and 1970 <= year <= 9000):  # noqa: PLR2004
        return None
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def rank(_obj: Obj) -> int:
    """Attached and detached have no order that the object itself could tell."""
    return 0


DOOR = Door(PaymentMethod, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
