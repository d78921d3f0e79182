"""The shop's own block lists as Stripe has them: found by what they hold, read in full, kept as rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.database import db, transaction
from app.errors import Unknown
from app.mirror import erased, pull
from app.mirror.fields import Obj, when
from app.mirror.pull import Reads
from app.models.block_list_item import BlockListItem

ITEM_TYPES = {"card_fingerprint": "Card", "email": "E-mail address", "customer_id": "Customer"}
LISTS = "/v1/radar/value_lists"
ITEMS = "/v1/radar/value_list_items"


def find_list(item_type: str, gateway: Reads) -> str:
    """The id of the list that blocks this type of thing. Stripe makes them; their aliases end in `_blocklist`.

    Raises:
        Unknown: this Stripe account has none.
    """
    found = next((one["id"] for one in _lists(gateway) if one["item_type"] == item_type), None)
    if found is None:
        raise Unknown("This Stripe account has no such block list. Radar's lists come with Radar for Fraud Teams.")
    return str(found)


def read_all(gateway: Reads, account_id: int) -> int:
    """Read every item of the block lists; what is not there any more counts as removed. How many there are.

    Raises:
        GatewayUnavailable, GatewayRefused: nothing was changed.
    """
    began = clock.now()
    lists = _lists(gateway)
    items = [
        (item, str(one["item_type"]))
        for one in lists
        for answer in pull.pages(ITEMS, {"value_list": one["id"]}, gateway)
        for item in answer.data
    ]
    with transaction():
        for item, item_type in items:
            keep(item, item_type, account_id, read_at=began)
        missing = update(BlockListItem).where(
            BlockListItem.account_id == account_id,
            BlockListItem.removed_at.is_(None),
            BlockListItem.read_at < began,
            BlockListItem.list_id.in_([one["id"] for one in lists]),
        )
        db.session.execute(missing.values(removed_at=began))
    return len(items)


def keep(item: Obj, item_type: str, account_id: int, *, read_at: datetime) -> None:
    """One item as it is on the list now; in the transaction that is open."""
    values: dict[str, Any] = {
        "id": item["id"],
        "account_id": account_id,
        "list_id": item["value_list"],
        "item_type": item_type,
        # Stripe goes on blocking the person; who it was is not known here any more.
        "value": "erased" if erased.among([item["id"]]) else str(item["value"]),
        "created_by": item.get("created_by"),
        "created_at": when(item.get("created")),
        "read_at": read_at,
        "removed_at": None,
    }
    added = insert(BlockListItem).values(values)
    changed = {name: added.excluded[name] for name in ("value", "created_by", "read_at", "removed_at")}
    older = BlockListItem.read_at <= added.excluded.read_at
    db.session.execute(added.on_conflict_do_update(index_elements=[BlockListItem.id], set_=changed, where=older))


def remove(item_id: str) -> None:
    """It is on the list no more; in the transaction that is open."""
    gone = update(BlockListItem).where(BlockListItem.id == item_id, BlockListItem.removed_at.is_(None))
    now = clock.now()
    db.session.execute(gone.values(removed_at=now, read_at=now))


def _lists(gateway: Reads) -> list[Obj]:
    pages: Iterable[Obj] = (one for answer in pull.pages(LISTS, {}, gateway) for one in answer.data)
    return [
        one
        for one in pages
        if one.get("item_type") in ITEM_TYPES and str(one.get("alias")).endswith(("_blocklist", "_block_list"))
    ]
