"""What stands around a decision about risk: each function is one query."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import defer

from app.database import db
from app.models.act import Act
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
    """(type, value) of all that can be blocked about this payment."""
    customer = select(Customer.email).where(Customer.id == charge.customer_id)
    email = (db.session.scalar(customer) if charge.customer_id else None) or charge.receipt_email
    found = (("card_fingerprint", charge.fingerprint), ("email", email), ("customer_id", charge.customer_id))
    return [(item_type, value) for item_type, value in found if value]
