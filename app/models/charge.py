"""One attempt to move money, and what came of it."""

from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits, Money


class Charge(Listed, Base):
    """Copy of a Stripe charge (`ch_…`, `py_…`). Amounts in minor units of `currency`. status: pending, succeeded, failed."""

    __tablename__ = "charges"

    amount: Mapped[MinorUnits]
    amount_captured: Mapped[MinorUnits]
    amount_refunded: Mapped[MinorUnits]
    currency: Mapped[str]
    status: Mapped[str]
    captured: Mapped[bool]
    paid: Mapped[bool]
    refunded: Mapped[bool]
    disputed: Mapped[bool]
    payment_intent_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    balance_transaction_id: Mapped[str | None]
    description: Mapped[str | None]
    receipt_email: Mapped[str | None]
    receipt_url: Mapped[str | None]
    statement_descriptor: Mapped[str | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    decline_code: Mapped[str | None]
    outcome_type: Mapped[str | None]
    outcome_reason: Mapped[str | None]
    network_status: Mapped[str | None]
    network_decline_code: Mapped[str | None]
    network_advice_code: Mapped[str | None]
    advice_code: Mapped[str | None]
    risk_level: Mapped[str | None]
    method_type: Mapped[str | None]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    fingerprint: Mapped[str | None]
    country: Mapped[str | None]
    mandate_id: Mapped[str | None]
    billing_details: Mapped[dict[str, Any] | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "payment_intent_id"),
            Index(None, "customer_id", "created_at"),
            Index("ix_charges_paid", "account_id", "created_at", postgresql_where=text("paid")),
            Index(None, "account_id", "status", "created_at", "id"),
            Index("ix_charges_last4", "last4", "created_at", postgresql_where=text("last4 IS NOT NULL")),
        )

    @property
    def total(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def taken(self) -> Money:
        """What was really captured; a released authorisation is neither revenue nor refund."""
        return Money(self.amount_captured, self.currency)
