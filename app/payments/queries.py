"""What stands around a payment intent: each function is one query."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import defer

from app.database import db
from app.models.act import Act
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.payment_intent import PaymentIntent
from app.web.accounts import current_account_id
from app.web.people import Payer
from app.web.words import customers_called

_TRIES_AT_MOST = 100


def matching(text: str) -> ColumnElement[bool]:
    """Intents by an id, or by the customer's e-mail address or name."""
    if text.startswith(("pi_", "ch_", "py_")):
        return or_(PaymentIntent.id == text, PaymentIntent.latest_charge_id == text)
    if text.startswith("cus_"):
        return PaymentIntent.customer_id == text
    return PaymentIntent.customer_id.in_(customers_called(text))


def payers(ids: Sequence[str | None]) -> dict[str, Payer]:
    """Customers by id."""
    wanted = {found for found in ids if found}
    if not wanted:
        return {}
    found = select(Customer.id, Customer.name, Customer.email).where(
        Customer.id.in_(wanted), Customer.account_id == current_account_id()
    )
    return {row.id: Payer(*row) for row in db.session.execute(found)}


def tries_of(intent: PaymentIntent) -> list[Charge]:
    """Every attempt that became a charge, oldest first."""
    made = (
        select(Charge)
        .where(Charge.payment_intent_id == intent.id, Charge.account_id == intent.account_id)
        .order_by(Charge.created_at, Charge.id)
        .limit(_TRIES_AT_MOST)
        .options(defer(Charge.raw, raiseload=True))
    )
    return list(db.session.scalars(made))


def newest_act(intent: PaymentIntent) -> Act | None:
    asked = select(Act).where(Act.object_type == "payment_intent", Act.object_id == intent.id)
    return db.session.scalar(asked.order_by(Act.requested_at.desc()).limit(1))
