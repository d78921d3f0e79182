"""Prices."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, ref
from app.mirror.news import News
from app.models.product import Price


def row(obj: Obj) -> Row:
    return {
        "product_id": ref(obj.get("product")),
        "active": obj.get("active"),
        "currency": obj.get("currency") or "",
        "unit_amount": obj.get("unit_amount"),
        "unit_amount_decimal": obj.get("unit_amount_decimal"),
        "type": obj.get("type"),
        "recurring": obj.get("recurring"),
        "billing_scheme": obj.get("billing_scheme"),
        "lookup_key": obj.get("lookup_key"),
        "nickname": obj.get("nickname"),
        "tax_behavior": obj.get("tax_behavior"),
    }


def rank(_obj: Obj) -> int:
    return 0


DOOR = Door(Price, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
