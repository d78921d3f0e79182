"""What stands around a customer: each function is one query."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.orm import aliased, defer, selectinload

from app.customers.persons import Person
from app.database import db
from app.models.balance_transaction import BalanceTransaction
from app.models.charge import Charge
from app.models.credit_note import CreditNote
from app.models.customer import Customer
from app.models.debit_stop import DebitStop
from app.models.dispute import Dispute
from app.models.invoice import Invoice
from app.models.mandate import Mandate
from app.models.payment_method import PaymentMethod
from app.models.refund import Refund
from app.models.subscription import Subscription
from app.web.accounts import current_account_id
from app.web.words import alike

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


def movements(person: Person) -> list[tuple[str, str, int, int, int]]:
    """Stripe's ledger of this person: (currency, reporting category, amount, fee, net), summed by PostgreSQL."""
    lines = BalanceTransaction
    summed = (
        select(
            lines.currency,
            lines.reporting_category,
            func.sum(lines.amount).cast(lines.amount.type),
            func.sum(lines.fee).cast(lines.fee.type),
            func.sum(lines.net).cast(lines.net.type),
        )
        .where(lines.source_id.in_(_sources(person)), lines.account_id == person.account_id)
        .group_by(lines.currency, lines.reporting_category)
        .order_by(lines.currency, lines.reporting_category)
    )
    return [tuple(row) for row in db.session.execute(summed)]


def _sources(person: Person) -> Select[tuple[str]]:
    """Ids of everything that moved money for this person: payments, their refunds, their disputes."""
    paid = select(Charge.id).where(_of(person, Charge))
    refunded = select(Refund.stripe_id).join(Charge, Charge.id == Refund.charge_id).where(_of(person, Charge))
    disputed = select(Dispute.id).join(Charge, Charge.id == Dispute.charge_id).where(_of(person, Charge))
    every = union_all(paid, refunded, disputed).subquery()
    return select(every.c[0])


def payments(person: Person) -> Sequence[Charge]:
    """The newest ones."""
    found = select(Charge).where(_of(person, Charge)).options(defer(Charge.raw, raiseload=True))
    return db.session.scalars(found.order_by(Charge.created_at.desc(), Charge.id.desc()).limit(NEWEST)).all()


def ways_to_pay(person: Person) -> tuple[list[PaymentMethod], list[Mandate], list[DebitStop]]:
    """The ways to pay that are kept now, what they allow, and what stops debits; one question for all three."""
    kept = select(PaymentMethod).where(_of(person, PaymentMethod), PaymentMethod.deleted_at.is_(None))
    kept = kept.order_by(PaymentMethod.created_at.desc()).limit(NEWEST)
    allowed = select(Mandate).where(_of(person, Mandate)).order_by(Mandate.accepted_at.desc()).limit(NEWEST)
    # What had ended long before, and concerns nobody, would only cry wolf here.
    stands = select(DebitStop).where(
        _of(person, DebitStop),
        or_(DebitStop.to_work(), DebitStop.lifted_at.is_(None) & (DebitStop.reason == "by_hand")),
    )
    stands = stands.order_by(DebitStop.since.desc()).limit(NEWEST)
    method, mandate = aliased(PaymentMethod, kept.subquery()), aliased(Mandate, allowed.subquery())
    stop = aliased(DebitStop, stands.subquery())
    asked = select(method, mandate, stop)
    asked = asked.outerjoin_from(method, mandate, mandate.payment_method_id == method.id, full=True)
    asked = asked.outerjoin(stop, stop.payment_method_id == method.id, full=True)
    plain = asked.options(defer(method.raw, raiseload=True), defer(mandate.raw, raiseload=True))
    rows = db.session.execute(
        plain.order_by(method.created_at.desc(), mandate.accepted_at.desc(), stop.since.desc())
    ).all()
    return _each(rows, 0), _each(rows, 1), _each(rows, 2)


def _each(rows: Sequence[Any], place: int) -> list[Any]:
    """What stands at this place of the rows, once each, in order."""
    return list(dict.fromkeys(row[place] for row in rows if row[place] is not None))


def refunds(person: Person) -> Sequence[Refund]:
    found = select(Refund).join(Charge, Charge.id == Refund.charge_id).where(_of(person, Charge))
    newest = found.options(defer(Refund.raw, raiseload=True)).order_by(Refund.created_at.desc())
    return db.session.scalars(newest.limit(NEWEST)).all()


def disputes(person: Person) -> Sequence[Dispute]:
    found = select(Dispute).join(Charge, Charge.id == Dispute.charge_id).where(_of(person, Charge))
    newest = found.options(defer(Dispute.raw, raiseload=True)).order_by(Dispute.created_at.desc())
    return db.session.scalars(newest.limit(NEWEST)).all()


def subscriptions(person: Person) -> Sequence[Subscription]:
    found = select(Subscription).where(_of(person, Subscription)).options(defer(Subscription.raw, raiseload=True))
    return db.session.scalars(found.order_by(Subscription.created_at.desc()).limit(NEWEST)).all()


def invoices(person: Person) -> Sequence[Invoice]:
    found = select(Invoice).where(_of(person, Invoice)).options(defer(Invoice.raw, raiseload=True))
    notes = selectinload(Invoice.credit_notes)
    found = found.options(notes, notes.defer(CreditNote.raw, raiseload=True))
    return db.session.scalars(found.order_by(Invoice.created_at.desc()).limit(NEWEST)).all()


def _of(person: Person, model: Any) -> ColumnElement[bool]:
    """The account as well: the same id may stand in the copy of another one."""
    return and_(model.customer_id.in_(person.ids), model.account_id == person.account_id)
