"""What can be found: each kind with the keys it knows, and how a hit of it reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, url_for
from sqlalchemy import ColumnElement, and_, select

from app.models import charge_facets
from app.models.charge import Charge
from app.models.charge_states import STATES
from app.models.customer import Customer
from app.models.dispute import Dispute
from app.models.invoice import Invoice
from app.models.payout import Payout
from app.models.refund import Refund
from app.models.subscription import Subscription
from app.money import Money
from app.search.conditions import (
    Attribute,
    Key,
    amount,
    created,
    equal,
    having,
    named,
    of_its_charge,
    state,
    status,
    upper,
)
from app.web.accounts import current_account_id
from app.web.columns import personal
from app.web.people import called, visible
from app.web.permissions import Permission

Having = Callable[[Sequence[str], Sequence[ColumnElement[bool]]], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the answer. `status`: a kind and a value of templates/macros/status.html."""

    title: str
    detail: str
    url: str
    status: tuple[str, str] | None = None
    money: Money | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`keys`: the conditions of this table. `by_customers`: rows that belong to these customers; None where nothing does.

    `by_payments`: rows of payments that fulfil a condition, in place of `by_customers`, as a guest's payment has no customer.
    `by_last4`, `by_number`: rows by the last four digits or by a number people read out; None where there is none.
    `having`: rows by the facets of their payments, as an index knows them, and by what else is asked of the payments behind them.
    `hit`: how a row reads; the name of its customer is given where it is known.
    """

    name: str
    label: str
    icon: str
    permission: Permission
    model: Any
    keys: Mapping[str, Key]
    hit: Callable[[Any, str], Hit]
    customer_of: Callable[[Any], str | None] = lambda _row: None
    by_customers: Callable[[Sequence[str]], ColumnElement[bool]] | None = None
    by_payments: Callable[[ColumnElement[bool]], ColumnElement[bool]] | None = None
    by_last4: Callable[[str], ColumnElement[bool]] | None = None
    by_number: Callable[[str], ColumnElement[bool]] | None = None
    having: Having | None = None

    @property
    def singular(self) -> str:
        return self.label.lower().removesuffix("s")


def _charges_of(charge_id: Attribute, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return charge_id.in_(select(Charge.id).where(condition))


def _payments_having(words: Sequence[str], _behind: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    return charge_facets.having(words, account_id=current_account_id())


def _whose_charge_has(charge_id: Attribute) -> Having:
    """The payments are found first; asked of each row, PostgreSQL would read all payments to join them."""
    return lambda words, behind: _charges_of(charge_id, and_(_payments_having(words, ()), *behind))


_CARD: dict[str, Key] = {
    "brand": having(charge_facets.BRAND),
    "last4": named(Charge.last4),
    "country": having(charge_facets.COUNTRY),
    "method": having(charge_facets.METHOD),
    "decline": having(charge_facets.DECLINE),
}


def _card_behind(charge_id: Attribute) -> dict[str, Key]:
    return {key: of_its_charge(charge_id, its) for key, its in _CARD.items()}


def _page(endpoint: str, key: object, *, customer: str | None = None) -> str:
    """The page of the thing, else of the customer it belongs to."""
    if endpoint in current_app.view_functions:
        return url_for(endpoint, key=key)
    return url_for("customers.details", key=customer) if customer else url_for("admin.index")


def _words(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def _payment(row: Charge, who: str) -> Hit:
    card = f"{(row.brand or row.method_type or 'card').replace('_', ' ').capitalize()} {row.last4 or ''}".strip()
    reason = row.decline_code or row.failure_code if row.status == "failed" else None
    who = who or personal(row.receipt_email) or "Guest"
    return Hit(
        who, _words(card, reason, row.id), _page("charges.details", row.id), ("charge", row.state), row.total, row.created_at
    )  # fmt: skip


def _refund(row: Refund, _who: str) -> Hit:
    title = f"Refund of {row.charge_id or 'a payment'}"
    return Hit(
        title, _words(row.requested_by, row.stripe_id), _page("refunds.details", row.id), ("refund", row.state), row.money,
        row.since,
    )  # fmt: skip


def _dispute(row: Dispute, _who: str) -> Hit:
    title = row.reason.replace("_", " ").capitalize()
    return Hit(
        title, _words(row.charge_id, row.id), _page("disputes.details", row.id), ("dispute", row.status), row.money,
        row.created_at,
    )  # fmt: skip


def _customer(row: Customer, _who: str) -> Hit:
    name = called(row)
    address = personal(row.email)
    detail = _words(address if address != name else None, visible(row.description), row.id)
    return Hit(name, detail, _page("customers.details", row.id), at=row.created_at)


def _invoice(row: Invoice, who: str) -> Hit:
    url = _page("invoices.details", row.id, customer=row.customer_id)
    total = Money(row.total, row.currency)
    return Hit(
        row.number or "Draft", _words(who, row.id), url, ("invoice", row.status or "draft"), total, row.created_at
    )


def _subscription(row: Subscription, who: str) -> Hit:
    url = _page("subscriptions.details", row.id, customer=row.customer_id)
    return Hit(who or "Subscription", row.id, url, ("subscription", row.status), at=row.created_at)


def _payout(row: Payout, _who: str) -> Hit:
    return Hit(
        "Payout", row.id, _page("payouts.details", row.id), ("payout", row.status), Money(row.amount, row.currency),
        row.created_at,
    )  # fmt: skip


KINDS = (
    Kind(
        name="customers",
        label="Customers",
        icon="users",
        permission=Permission.CUSTOMER_READ,
        model=Customer,
        keys={
            "created": created(Customer.created_at),
            "country": upper(Customer.country),
            "currency": equal(Customer.currency),
            "customer": named(Customer.id),
        },
        hit=_customer,
        by_customers=Customer.id.in_,
    ),
    Kind(
        name="payments",
        label="Payments",
        icon="credit-card",
        permission=Permission.CHARGE_READ,
        model=Charge,
        keys={
            **_CARD,
            "status": state(charge_facets.STATE, STATES),
            "amount": amount(Charge.amount, Charge.currency),
            "currency": having(charge_facets.CURRENCY),
            "created": created(Charge.created_at),
            "customer": named(Charge.customer_id),
        },
        hit=_payment,
        customer_of=lambda row: row.customer_id,
        by_payments=lambda paid: paid,
        by_last4=lambda digits: Charge.last4 == digits,
        having=_payments_having,
    ),
    Kind(
        name="refunds",
        label="Refunds",
        icon="receipt-refund",
        permission=Permission.REFUND_READ,
        model=Refund,
        keys={
            **_card_behind(Refund.charge_id),
            "status": status(Refund.status),
            "amount": amount(Refund.amount, Refund.currency),
            "currency": equal(Refund.currency),
            "created": created(Refund.created_at),
            "reason": equal(Refund.reason),
            "customer": of_its_charge(Refund.charge_id, named(Charge.customer_id)),
        },
        hit=_refund,
        by_payments=lambda paid: _charges_of(Refund.charge_id, paid),
        having=_whose_charge_has(Refund.charge_id),
    ),
    Kind(
        name="disputes",
        label="Disputes",
        icon="gavel",
        permission=Permission.DISPUTE_READ,
        model=Dispute,
        keys={
            **_card_behind(Dispute.charge_id),
            "status": status(Dispute.status),
            "amount": amount(Dispute.amount, Dispute.currency),
            "currency": equal(Dispute.currency),
            "created": created(Dispute.created_at),
            "reason": status(Dispute.reason),
            "customer": of_its_charge(Dispute.charge_id, named(Charge.customer_id)),
        },
        hit=_dispute,
        by_payments=lambda paid: _charges_of(Dispute.charge_id, paid),
        having=_whose_charge_has(Dispute.charge_id),
    ),
    Kind(
        name="invoices",
        label="Invoices",
        icon="file-invoice",
        permission=Permission.CUSTOMER_READ,
        model=Invoice,
        keys={
            "status": status(Invoice.status),
            "amount": amount(Invoice.total, Invoice.currency),
            "currency": equal(Invoice.currency),
            "created": created(Invoice.created_at),
            "customer": named(Invoice.customer_id),
            "number": upper(Invoice.number),
        },
        hit=_invoice,
        customer_of=lambda row: row.customer_id,
        by_customers=Invoice.customer_id.in_,
        by_number=lambda text: Invoice.number == text.upper(),
    ),
    Kind(
        name="subscriptions",
        label="Subscriptions",
        icon="repeat",
        permission=Permission.CUSTOMER_READ,
        model=Subscription,
        keys={
            "status": status(Subscription.status),
            "currency": equal(Subscription.currency),
            "created": created(Subscription.created_at),
            "customer": named(Subscription.customer_id),
        },
        hit=_subscription,
        customer_of=lambda row: row.customer_id,
        by_customers=Subscription.customer_id.in_,
    ),
    Kind(
        name="payouts",
        label="Payouts",
        icon="building-bank",
        permission=Permission.PAYOUT_READ,
        model=Payout,
        keys={
            "status": status(Payout.status),
            "amount": amount(Payout.amount, Payout.currency),
            "currency": equal(Payout.currency),
            "created": created(Payout.created_at),
        },
        hit=_payout,
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}
