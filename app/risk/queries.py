"""What stands around a decision about risk: each function is one query."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import defer

from app.database import db
from app.models.act import Act
from app.models.block_list_item import BlockListItem
from app.models.charge import Charge
from app.models.customer import Customer
from app.web.accounts import current_account_id


def charges(ids: Iterable[str | None]) -> dict[str, Charge]:
    """Payments by id."""
    wanted = [found for found in ids if found]
    if not wanted:
        return {}
    found = select(Charge).where(Charge.id.in_(wanted), Charge.account_id == current_account_id())
    return {charge.id: charge for charge in db.session.scalars(found.options(defer(Charge.raw, raiseload=True)))}


def newest_act(object_type: str, object_id: str) -> Act | None:
    asked = select(Act).where(
        Act.object_type == object_type, Act.object_id == object_id, Act.account_id == current_account_id()
    )
    return db.session.scalar(asked.order_by(Act.requested_at.desc()).limit(1))


def values_of(charge: Charge) -> Sequence[tuple[str, str]]:
    """(type, value) of all that can be blocked about this payment; the address is the payment's own, as for Stripe."""
    customer = select(Customer.email).where(Customer.id == charge.customer_id)
    email = charge.receipt_email or (db.session.scalar(customer) if charge.customer_id else None)
    card = charge.fingerprint if charge.method_type == "card" else None
    found = (("card_fingerprint", card), ("email", email), ("customer_id", charge.customer_id))
    return [(item_type, value) for item_type, value in found if value]


def on_the_list(values: Sequence[tuple[str, str]]) -> set[str]:
    """Which of these (type, value) are blocked already, by type."""
    named = or_(*(_is_item(item_type, value) for item_type, value in values)) if values else false()
    mine = and_(BlockListItem.account_id == current_account_id(), BlockListItem.removed_at.is_(None))
    return set(db.session.scalars(select(BlockListItem.item_type).where(mine, named)))


def _is_item(item_type: str, value: str) -> ColumnElement[bool]:
    kept = value.lower() if item_type == "email" else value
    return and_(BlockListItem.item_type == item_type, BlockListItem.value == kept)
