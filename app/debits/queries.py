"""What stands around a debit that is stopped: each function is one query."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import defer

from app.database import db
from app.models.charged_by import CHARGES
from app.models.customer import Customer
from app.models.payment_method import PaymentMethod
from app.models.subscription import Subscription
from app.web.accounts import current_account_id
from app.web.people import Payer

_NEWEST = 10


def payers(ids: Sequence[str | None]) -> dict[str, Payer]:
    """Customers by id."""
    wanted = {found for found in ids if found}
    if not wanted:
        return {}
    found = select(Customer.id, Customer.name, Customer.email).where(
        Customer.id.in_(wanted), Customer.account_id == current_account_id()
    )
    return {row.id: Payer(*row) for row in db.session.execute(found)}


def method(method_id: str | None) -> PaymentMethod | None:
    mine = select(PaymentMethod).where(PaymentMethod.id == method_id, PaymentMethod.account_id == current_account_id())
    return db.session.scalar(mine.options(defer(PaymentMethod.raw, raiseload=True))) if method_id else None


def subscriptions_of(customer_id: str | None) -> Sequence[Subscription]:
    """What of this customer goes on and is charged by itself."""
    if not customer_id:
        return []
    theirs = select(Subscription).where(
        Subscription.customer_id == customer_id, Subscription.account_id == current_account_id(), CHARGES
    )
    newest = theirs.order_by(Subscription.created_at.desc()).limit(_NEWEST)
    return db.session.scalars(newest.options(defer(Subscription.raw, raiseload=True))).all()
