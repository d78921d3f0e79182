"""What stands around a mandate or a way to pay: each function is one query."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import defer

from app.database import db
from app.methods import asking
from app.models import charged_by
from app.models.act import Act
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.mandate import Mandate
from app.models.payment_method import PaymentMethod
from app.web.accounts import current_account_id
from app.web.people import Payer
from app.web.words import customers_called

# As many as somebody looks at; the lists have the rest.
NEWEST = 20


def mandates_matching(text: str) -> ColumnElement[bool]:
    """Mandates by their id or reference, the account's id, or the customer's id, address or name."""
    if text.startswith("mandate_"):
        return Mandate.id == text
    if text.startswith("pm_"):
        return Mandate.payment_method_id == text
    if text.startswith("cus_"):
        return Mandate.customer_id == text
    return or_(Mandate.reference == text, Mandate.customer_id.in_(customers_called(text)))


def payers(ids: Sequence[str | None]) -> dict[str, Payer]:
    """Customers by id."""
    wanted = {found for found in ids if found}
    if not wanted:
        return {}
    found = select(Customer.id, Customer.name, Customer.email).where(
        Customer.id.in_(wanted), Customer.account_id == current_account_id()
    )
    return {row.id: Payer(*row) for row in db.session.execute(found)}


def methods(ids: Sequence[str | None]) -> dict[str, PaymentMethod]:
    """Ways to pay by id."""
    wanted = {found for found in ids if found}
    if not wanted:
        return {}
    found = select(PaymentMethod).where(PaymentMethod.id.in_(wanted), PaymentMethod.account_id == current_account_id())
    return {method.id: method for method in db.session.scalars(found.options(defer(PaymentMethod.raw, raiseload=True)))}


def payments_under(mandate: Mandate) -> Sequence[Charge]:
    """The newest payments that the mandate allowed."""
    made = select(Charge).where(Charge.mandate_id == mandate.id, Charge.account_id == mandate.account_id)
    newest = made.order_by(Charge.created_at.desc(), Charge.id.desc()).limit(NEWEST)
    return db.session.scalars(newest.options(defer(Charge.raw, raiseload=True))).all()


def methods_matching(text: str) -> ColumnElement[bool]:
    """Ways to pay by their id, their last four digits, or the customer's id."""
    if text.startswith("pm_"):
        return PaymentMethod.id == text
    if text.startswith("cus_"):
        return PaymentMethod.customer_id == text
    if len(text) == 4 and text.isascii() and text.isdigit():  # noqa: PLR2004 - the last four digits
        return PaymentMethod.last4 == text
    return PaymentMethod.customer_id.in_(customers_called(text))


def customer_of(method: PaymentMethod) -> Customer | None:
    """Whose it is."""
    mine = select(Customer).where(Customer.id == method.customer_id, Customer.account_id == method.account_id)
    return db.session.scalar(mine.options(defer(Customer.raw, raiseload=True))) if method.customer_id else None


def order_for(customer: Customer | None) -> list[tuple[str, str | None, PaymentMethod | None]]:
    """What Stripe takes where a subscription names nothing itself: (place, id, the method if it is known), in its order."""
    if customer is None:
        return []
    named = (
        ("customer.default_payment_method", customer.default_payment_method_id),
        ("customer.default_source", customer.default_source_id),
    )
    known = methods([method_id for _, method_id in named])
    return [(charged_by.STEPS[name], method_id, known.get(method_id or "")) for name, method_id in named]


def mandates_of(method: PaymentMethod) -> Sequence[Mandate]:
    """What allows debits of it, the newest first."""
    given = select(Mandate).where(Mandate.payment_method_id == method.id, Mandate.account_id == method.account_id)
    newest = given.order_by(Mandate.accepted_at.desc(), Mandate.id).limit(NEWEST)
    return db.session.scalars(newest.options(defer(Mandate.raw, raiseload=True))).all()


def payments_with(method: PaymentMethod) -> Sequence[Charge]:
    """The newest payments of its customer with the same card or account, also where it was saved another time."""
    if not method.fingerprint or not method.customer_id:
        return []
    made = select(Charge).where(
        Charge.fingerprint == method.fingerprint,
        Charge.customer_id == method.customer_id,
        Charge.account_id == method.account_id,
    )
    newest = made.order_by(Charge.created_at.desc(), Charge.id.desc()).limit(NEWEST)
    return db.session.scalars(newest.options(defer(Charge.raw, raiseload=True))).all()


def is_ending(method: PaymentMethod, now: datetime) -> bool:
    """Whether it is among the cards that end soon while a subscription is charged to them."""
    return bool(db.session.scalar(select(PaymentMethod.id).where(PaymentMethod.id == method.id, asking.ending(now))))


def newest_act(method: PaymentMethod) -> Act | None:
    asked = select(Act).where(Act.object_type == "payment_method", Act.object_id == method.id)
    return db.session.scalar(asked.order_by(Act.requested_at.desc()).limit(1))
