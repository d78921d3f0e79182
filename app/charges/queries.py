"""What stands around a payment: each function is one query."""

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import defer

from app.database import db
from app.models.balance_transaction import BalanceTransaction
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.customer_link import linked_with
from app.web import guests
from app.web.accounts import current_account_id
from app.web.people import Payer
from app.web.words import customers_called


def matching(text: str) -> ColumnElement[bool]:
    """Payments by the last four digits, by an id, by the customer's e-mail address or name, or by a guest's address."""
    if len(text) == 4 and text.isascii() and text.isdigit():  # noqa: PLR2004 - the last four digits
        return Charge.last4 == text
    if text.startswith(("ch_", "py_")):
        return Charge.id == text
    if text.startswith("pi_"):
        return Charge.payment_intent_id == text
    if text.startswith("cus_"):
        return Charge.customer_id == text
    # A list and not a subquery: with a few ids PostgreSQL walks their payments, not all payments of the shop.
    theirs = Charge.customer_id.in_(customers_called(text))
    of_guests = guests.payments_of(text)
    return or_(theirs, Charge.id.in_(of_guests)) if of_guests else theirs


def of_person(customer_id: str) -> ColumnElement[bool]:
    """Payments of this customer and of all who are linked, as the page of the customer sums them."""
    return Charge.customer_id.in_(db.session.scalars(linked_with(customer_id, account_id=current_account_id())).all())


def payers_of(charges: "list[Charge]") -> dict[str, Payer]:
    """The customers of these payments, by id."""
    ids = {charge.customer_id for charge in charges if charge.customer_id}
    if not ids:
        return {}
    found = select(Customer.id, Customer.name, Customer.email).where(
        Customer.id.in_(ids), Customer.account_id == current_account_id()
    )
    return {row.id: Payer(*row) for row in db.session.execute(found)}


def ledger_of(charge: Charge) -> list[BalanceTransaction]:
    """Every line of Stripe's ledger that came of this payment, its refunds and its disputes; oldest first."""
    refunds = [refund.stripe_id for refund in charge.refunds if refund.stripe_id]
    sources = [charge.id, *refunds, *(dispute.id for dispute in charge.disputes)]
    lines = (
        select(BalanceTransaction)
        .where(BalanceTransaction.source_id.in_(sources), BalanceTransaction.account_id == charge.account_id)
        .order_by(BalanceTransaction.created_at, BalanceTransaction.id)
        .options(defer(BalanceTransaction.raw, raiseload=True))
    )
    return list(db.session.scalars(lines))
