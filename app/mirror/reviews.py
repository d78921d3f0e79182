"""Radar's reviews."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, part, ref
from app.mirror.news import News
from app.models.review import Review


def row(obj: Obj) -> Row:
    return {
        "open": obj.get("open") is True,
        "opened_reason": obj.get("opened_reason"),
        "closed_reason": obj.get("closed_reason"),
        "reason": obj.get("reason"),
        "charge_id": ref(obj.get("charge")),
        "payment_intent_id": ref(obj.get("payment_intent")),
        "country": part(obj, "ip_address_location").get("country"),
    }


def rank(obj: Obj) -> int:
    """Open, then closed for good."""
    return 1 if obj.get("open") is True else 9


DOOR = Door(Review, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
