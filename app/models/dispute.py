"""A customer's bank takes money back, or asks about it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits, Money

OPEN = (
    "needs_response",
    "under_review",
    "warning_needs_response",
    "warning_under_review",
    "appeal_needs_response",
    "appeal_under_review",
)


class Dispute(Listed, Base):
    """Copy of a Stripe dispute (`dp_…`, `du_…`). Amounts in minor units of `currency`.

    status: warning_needs_response, warning_under_review, warning_closed (inquiry: no money moves), needs_response, under_review,
    won, lost, prevented, appeal_needs_response, appeal_under_review. `deducted` is what left the balance: minus the sum of the nets
    of its balance transactions, in minor units of `deducted_currency`. `due_at` is empty when no response is possible.
    """

    __tablename__ = "disputes"

    amount: Mapped[MinorUnits]
    currency: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str]
    network_reason_code: Mapped[str | None]
    charge_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    is_charge_refundable: Mapped[bool]
    due_at: Mapped[datetime | None]
    has_evidence: Mapped[bool | None]
    past_due: Mapped[bool | None]
    submission_count: Mapped[int | None]
    submission_method: Mapped[str | None]
    case_type: Mapped[str | None]
    brand: Mapped[str | None]
    enhanced_eligibility_types: Mapped[list[str] | None]
    evidence: Mapped[dict[str, Any] | None]
    balance_transactions: Mapped[list[str] | None]
    deducted: Mapped[MinorUnits | None]
    deducted_currency: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index("ix_disputes_open_by_due", "account_id", "due_at", postgresql_where=text(f"status IN {OPEN}")),
            Index(None, "charge_id"),
            Index(None, "account_id", "status", "created_at"),
        )

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def is_inquiry(self) -> bool:
        """A question before a chargeback; no money has moved."""
        return self.status.startswith("warning_")

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def blocks_refund(self) -> bool:
        """Whoever is refunded now would be paid twice: once by us and once by the bank.

        A won dispute brought the money back; an inquiry has not moved any, and a refund ends it.
        """
        if self.status == "won":
            return False
        return not self.is_charge_refundable or (self.is_open and not self.is_inquiry)
