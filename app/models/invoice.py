"""A bill, its lines, and the payments that answer it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, and_, text
from sqlalchemy.orm import Mapped, foreign, relationship, remote

from app.database import Base
from app.models.credit_note import CreditNote
from app.models.mirrored import Listed, Mirrored
from app.money import MinorUnits, Money


class Invoice(Listed, Base):
    """Copy of a Stripe invoice (`in_…`). Amounts in minor units of `currency`. status: draft, open, paid, uncollectible, void."""

    __tablename__ = "invoices"

    number: Mapped[str | None]
    status: Mapped[str | None]
    currency: Mapped[str]
    customer_id: Mapped[str | None]
    subscription_id: Mapped[str | None]
    billing_reason: Mapped[str | None]
    collection_method: Mapped[str | None]
    amount_due: Mapped[MinorUnits]
    amount_paid: Mapped[MinorUnits]
    amount_remaining: Mapped[MinorUnits]
    amount_overpaid: Mapped[MinorUnits | None]
    subtotal: Mapped[MinorUnits]
    total: Mapped[MinorUnits]
    starting_balance: Mapped[MinorUnits | None]
    ending_balance: Mapped[MinorUnits | None]
    attempt_count: Mapped[int | None]
    attempted: Mapped[bool | None]
    auto_advance: Mapped[bool | None]
    next_payment_attempt_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    period_started_at: Mapped[datetime | None]
    period_ends_at: Mapped[datetime | None]
    finalized_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    marked_uncollectible_at: Mapped[datetime | None]
    hosted_invoice_url: Mapped[str | None]
    invoice_pdf: Mapped[str | None]
    total_taxes: Mapped[dict[str, Any] | None]

    # No foreign key stands behind it: a note may come before its invoice. Oldest first.
    credit_notes: Mapped[list[CreditNote]] = relationship(
        primaryjoin=lambda: and_(
            Invoice.id == remote(foreign(CreditNote.invoice_id)), remote(CreditNote.status) != "void"
        ),
        order_by=lambda: (CreditNote.created_at, CreditNote.id),
        viewonly=True,
    )

    @property
    def credited(self) -> Money:
        """What credit notes took back of it."""
        return sum((note.money for note in self.credit_notes), Money.zero(self.currency))

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "account_id", "status", "due_at"),
            Index(None, "customer_id", "created_at"),
            Index(None, "subscription_id"),
            Index(None, "account_id", "number"),
            Index(
                "ix_invoices_collected",
                *("account_id", "next_payment_attempt_at", "id"),
                postgresql_where=text("next_payment_attempt_at IS NOT NULL AND status IN ('draft', 'open')"),
            ),
        )


class InvoiceLine(Mirrored, Base):
    """One line of an invoice (`il_…`). `amount` in minor units of `currency`."""

    __tablename__ = "invoice_lines"
    __table_args__ = (Index(None, "invoice_id"),)

    invoice_id: Mapped[str]
    amount: Mapped[MinorUnits]
    currency: Mapped[str]
    description: Mapped[str | None]
    quantity: Mapped[int | None]
    price_id: Mapped[str | None]
    subscription_id: Mapped[str | None]
    period_started_at: Mapped[datetime | None]
    period_ends_at: Mapped[datetime | None]


class InvoicePayment(Listed, Base):
    """What links an invoice to its payment intent or charge (`inpay_…`). status: open, paid, canceled."""

    __tablename__ = "invoice_payments"

    invoice_id: Mapped[str | None]
    payment_type: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    charge_id: Mapped[str | None]
    amount_requested: Mapped[MinorUnits | None]
    amount_paid: Mapped[MinorUnits | None]
    currency: Mapped[str | None]
    is_default: Mapped[bool | None]
    status: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (Index(None, "invoice_id"), Index(None, "payment_intent_id"))
