"""An id typed into a search leads straight to its page, whichever list the search belongs to."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from flask import current_app, url_for
from sqlalchemy import ColumnElement, select

from app.database import db
from app.models.charge import Charge
from app.models.credit_note import CreditNote
from app.models.customer import Customer
from app.models.dispute import Dispute
from app.models.invoice import Invoice
from app.models.mandate import Mandate
from app.models.payment_intent import PaymentIntent
from app.models.payment_method import PaymentMethod
from app.models.payout import Payout
from app.models.refund import Refund
from app.models.subscription import Subscription
from app.web.accounts import current_account_id
from app.web.admin import may
from app.web.permissions import Permission


class Way(NamedTuple):
    """Ids with this beginning are found in `model` by `match`; the newest row's page is `endpoint`."""

    begins: tuple[str, ...]
    model: Any
    match: Callable[[str], ColumnElement[bool]]
    endpoint: str
    permission: Permission
    # What the page is called by, where that is not the id.
    key: str = "id"


WAYS = (
    Way(("ch_", "py_"), Charge, lambda text: Charge.id == text, "charges.details", Permission.CHARGE_READ),
    Way(("pi_",), Charge, lambda text: Charge.payment_intent_id == text, "charges.details", Permission.CHARGE_READ),
    # One that never became a charge.
    Way(("pi_",), PaymentIntent, lambda text: PaymentIntent.id == text, "payments.details", Permission.CHARGE_READ),
    Way(("cus_",), Customer, lambda text: Customer.id == text, "customers.details", Permission.CUSTOMER_READ),
    Way(("mandate_",), Mandate, lambda text: Mandate.id == text, "mandates.details", Permission.CUSTOMER_READ),
    Way(
        ("pm_", "card_", "ba_", "src_"),
        PaymentMethod,
        lambda text: PaymentMethod.id == text,
        "methods.details",
        Permission.CUSTOMER_READ,
    ),
    Way(("re_", "pyr_"), Refund, lambda text: Refund.stripe_id == text, "refunds.details", Permission.REFUND_READ),
    Way(("cn_",), CreditNote, lambda text: CreditNote.id == text, "credit_notes.details", Permission.REFUND_READ),
    Way(("dp_", "du_"), Dispute, lambda text: Dispute.id == text, "disputes.details", Permission.DISPUTE_READ),
    Way(("in_",), Invoice, lambda text: Invoice.id == text, "invoices.details", Permission.CUSTOMER_READ),
    Way(
        ("sub_",), Subscription, lambda text: Subscription.id == text, "subscriptions.details", Permission.CUSTOMER_READ
    ),
    # Until these have pages of their own, they stand on their customer's.
    Way(
        ("in_",), Invoice, lambda text: Invoice.id == text, "customers.details", Permission.CUSTOMER_READ, "customer_id"
    ),
    Way(
        ("sub_",),
        Subscription,
        lambda text: Subscription.id == text,
        "customers.details",
        Permission.CUSTOMER_READ,
        "customer_id",
    ),
    Way(("po_",), Payout, lambda text: Payout.id == text, "payouts.details", Permission.PAYOUT_READ),
)


def straight_to(text: str) -> str | None:
    """The address of the page of the thing with this id; None when it is no id, unknown, or not for this person."""
    text = text.strip()
    if "\0" in text:
        return None
    if found := _refund_of_ours(text):
        return found
    ways = (way for way in WAYS if text.startswith(way.begins))
    return next((page for way in ways if (page := _page(way, text))), None)


def _page(way: Way, text: str) -> str | None:
    if not may(way.permission) or way.endpoint not in current_app.view_functions:
        return None
    newest = select(getattr(way.model, way.key)).where(way.match(text), way.model.account_id == current_account_id())
    found_id = db.session.scalar(newest.order_by(way.model.created_at.desc()).limit(1))
    return url_for(way.endpoint, key=found_id) if found_id else None


def _refund_of_ours(text: str) -> str | None:
    """A refund's own number, as it stands on its page and in Stripe's metadata."""
    try:
        number = UUID(text)
    except ValueError:
        return None
    known = may(Permission.REFUND_READ) and db.session.scalar(
        select(Refund.id).where(Refund.id == number, Refund.account_id == current_account_id())
    )
    return url_for("refunds.details", key=known) if known else None
