"""What stands around a mandate or a way to pay: each function is one query."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import defer

from app.database import db
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
