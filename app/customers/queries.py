"""What stands around a customer: each function is one query."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, and_, func, select, union_all
from sqlalchemy.orm import defer

from app.database import db
from app.models.balance_transaction import BalanceTransaction
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.dispute import Dispute
from app.models.mandate import Mandate
from app.models.payment_method import PaymentMethod
from app.models.refund import Refund
from app.models.subscription import Subscription
from app.web.accounts import current_account_id
from app.web.people import alike

# As many as an agent looks at; the lists have the rest.
NEWEST = 10
_CARDS_AT_MOST = 200


def matching(text: str) -> ColumnElement[bool]:
    """Customers by id, address, name, or the last four digits of a card they paid with."""
    if text.startswith("cus_"):
        return Customer.id == text
    if len(text) == 4 and text.isascii() and text.isdigit():  # noqa: PLR2004 - the last four digits
        return Customer.id.in_(_who_paid_with(text))
    return alike(text)


def _who_paid_with(last4: str) -> list[str]:
    """A list and not a subquery, so that a few ids are looked up and not all customers of the shop are asked."""
    paid = select(Charge.customer_id).where(
        Charge.last4 == last4, Charge.account_id == current_account_id(), Charge.customer_id.is_not(None)
    )
    newest = paid.order_by(Charge.created_at.desc()).limit(_CARDS_AT_MOST)
    return [found for found in dict.fromkeys(db.session.scalars(newest)) if found]


def movements(customer: Customer) -> list[tuple[str, str, int, int, int]]:
    """Stripe's ledger of this customer: (currency, reporting category, amount, fee, net), summed by PostgreSQL."""
    lines = BalanceTransaction
    summed = (
        select(
            lines.currency,
            lines.reporting_category,
            func.sum(lines.amount).cast(lines.amount.type),
            func.sum(lines.fee).cast(lines.fee.type),
            func.sum(lines.net).cast(lines.net.type),
        )
        .where(lines.source_id.in_(_sources(customer)), lines.account_id == customer.account_id)
        .group_by(lines.currency, lines.reporting_category)
        .order_by(lines.currency, lines.reporting_category)
    )
    return [tuple(row) for row in db.session.execute(summed)]


def _sources(customer: Customer) -> Select[tuple[str]]:
    """Ids of everything that moved money for this customer: payments, their refunds, their disputes."""
    paid = select(Charge.id).where(_paid_by(customer))
    refunded = select(Refund.stripe_id).join(Charge, Charge.id == Refund.charge_id).where(_paid_by(customer))
    disputed = select(Dispute.id).join(Charge, Charge.id == Dispute.charge_id).where(_paid_by(customer))
    every = union_all(paid, refunded, disputed).subquery()
    return select(every.c[0])


def payments(customer: Customer) -> Sequence[Charge]:
    """The newest ones."""
    found = select(Charge).where(_paid_by(customer)).options(defer(Charge.raw, raiseload=True))
    return db.session.scalars(found.order_by(Charge.created_at.desc(), Charge.id.desc()).limit(NEWEST)).all()


def methods(customer: Customer) -> Sequence[PaymentMethod]:
    """The ways to pay that are kept now."""
    mine = and_(PaymentMethod.customer_id == customer.id, PaymentMethod.account_id == customer.account_id)
    found = select(PaymentMethod).where(mine, PaymentMethod.deleted_at.is_(None))
    newest = found.options(defer(PaymentMethod.raw, raiseload=True)).order_by(PaymentMethod.created_at.desc())
    return db.session.scalars(newest.limit(NEWEST)).all()


def refunds(customer: Customer) -> Sequence[Refund]:
    found = select(Refund).join(Charge, Charge.id == Refund.charge_id).where(_paid_by(customer))
    newest = found.options(defer(Refund.raw, raiseload=True)).order_by(Refund.created_at.desc())
    return db.session.scalars(newest.limit(NEWEST)).all()


def disputes(customer: Customer) -> Sequence[Dispute]:
    found = select(Dispute).join(Charge, Charge.id == Dispute.charge_id).where(_paid_by(customer))
    newest = found.options(defer(Dispute.raw, raiseload=True)).order_by(Dispute.created_at.desc())
    return db.session.scalars(newest.limit(NEWEST)).all()


def mandates(customer: Customer) -> Sequence[Mandate]:
    found = select(Mandate).where(Mandate.customer_id == customer.id, Mandate.account_id == customer.account_id)
    newest = found.options(defer(Mandate.raw, raiseload=True)).order_by(Mandate.accepted_at.desc())
    return db.session.scalars(newest.limit(NEWEST)).all()


def subscriptions(customer: Customer) -> Sequence[Subscription]:
    mine = and_(Subscription.customer_id == customer.id, Subscription.account_id == customer.account_id)
    found = select(Subscription).where(mine).options(defer(Subscription.raw, raiseload=True))
    return db.session.scalars(found.order_by(Subscription.created_at.desc()).limit(NEWEST)).all()


def _paid_by(customer: Customer) -> ColumnElement[bool]:
    """The account as well: the same id may stand in the copy of another one."""
    return and_(Charge.customer_id == customer.id, Charge.account_id == customer.account_id)
