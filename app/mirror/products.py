"""Products."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, ref
from app.mirror.news import News
from app.models.product import Product


def row(obj: Obj) -> Row:
    return {
        "name": obj.get("name"),
        "active": obj.get("active"),
        "description": obj.get("description"),
        "default_price_id": ref(obj.get("default_price")),
    }


def rank(_obj: Obj) -> int:
    return 0


DOOR = Door(Product, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
