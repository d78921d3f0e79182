"""A customer's bank takes money back, or asks about it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from app import clock
from app.database import Base
from app.errors import Conflict, DisputeClosed, DomainError
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
TO_ANSWER = ("needs_response", "warning_needs_response", "appeal_needs_response")
# RULES B7: whoever paid with these gets the money back from the bank without a question, and nobody can answer.
FINAL_METHODS = {"sepa_debit": "SEPA debits", "bacs_debit": "Bacs debits"}


class Dispute(Listed, Base):
    """Copy of a Stripe dispute (`dp_…`, `du_…`). Amounts in minor units of `currency`.

    status: warning_needs_response, warning_under_review, warning_closed (inquiry: no money moves), needs_response, under_review,
    won, lost, prevented, appeal_needs_response, appeal_under_review. `deducted` is what left the balance: minus the sum of the nets
    of its balance transactions, in minor units of `deducted_currency`. `due_at` is empty when no response is possible.
    `fee`: what Stripe booked for the dispute itself, in the same currency; empty while no money has moved.
    `method_type`: how it was paid, like `card` or `sepa_debit`.
    `reinstated_at`: when the money came back. `closed_at`: when it was won, lost or closed; kept by a trigger, empty while it
    is open and where nobody told us.
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
    method_type: Mapped[str | None]
    enhanced_eligibility_types: Mapped[list[str] | None]
    evidence: Mapped[dict[str, Any] | None]
    balance_transactions: Mapped[list[str] | None]
    deducted: Mapped[MinorUnits | None]
    deducted_currency: Mapped[str | None]
    fee: Mapped[MinorUnits | None]
    reinstated_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index("ix_disputes_open_by_due", "account_id", "due_at", postgresql_where=text(f"status IN {OPEN}")),
            Index(None, "charge_id"),
            Index(None, "account_id", "status", "created_at"),
            # The queue: what is due first stands first.
            Index(None, "account_id", "due_at", "id"),
            Index(None, "account_id", "closed_at"),
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
    def is_appeal(self) -> bool:
        return self.status.startswith("appeal_")

    @property
    def is_settled_early(self) -> bool:
        """Given back before it became a chargeback (rapid resolution): it counts neither as won nor as lost.

        Stripe says so (`prevented`, `resolution`), or took the money without a fee, which it does for no chargeback that was lost.
        """
        no_fee = self.status == "lost" and self.fee == 0
        return self.status == "prevented" or self.case_type == "resolution" or no_fee

    @property
    def is_final(self) -> bool:
        """A dispute of a debit: the bank takes no evidence, whatever the status says."""
        return self.method_type in FINAL_METHODS

    @property
    def is_past_due(self) -> bool:
        """It waits for an answer, and the time for one is over."""
        return self.status in TO_ANSWER and self.due_at is not None and self.due_at <= clock.now()

    @property
    def kind(self) -> str:
        """What people call it: Inquiry, Appeal, Compliance case, Settled early or Chargeback."""
        if self.is_settled_early:
            return "Settled early"
        if self.is_inquiry:
            return "Inquiry"
        return "Appeal" if self.is_appeal else "Compliance case" if self.case_type == "compliance" else "Chargeback"

    @property
    def round(self) -> str:
        """What evidence may be sent for once: see DisputeSubmission."""
        if self.is_appeal:
            return f"appeal:{self.submission_count or 0}"
        return "inquiry" if self.is_inquiry else "chargeback"

    @property
    def answer_obstacle(self) -> DomainError | None:
        """Why no evidence can be sent now; None when it can."""
        if self.is_final:
            return DisputeClosed(
                f"Disputes of {FINAL_METHODS[self.method_type or '']} are final: the bank takes no evidence. "
                "Settle it with the customer."
            )
        if self.status not in TO_ANSWER:
            return self._not_waiting()
        if self.is_past_due and self.due_at:
            return DisputeClosed(
                f"The deadline passed on {self.due_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC. "
                "Nothing can be written or sent any more."
            )
        if self.due_at is None:
            return DisputeClosed("No response is possible: the bank takes no evidence for this dispute.")
        if self.submission_count and not self.is_appeal:
            return Conflict("Evidence for this dispute was already submitted. It can be sent only once.")
        return None

    @property
    def accept_obstacle(self) -> DomainError | None:
        """Why it cannot be accepted now; None when it can."""
        if self.is_inquiry:
            return DisputeClosed("An inquiry is not accepted: no money has moved. A refund of the payment closes it.")
        if self.status != "needs_response":
            return self._not_waiting() or DisputeClosed("This dispute cannot be accepted any more.")
        return None

    def _not_waiting(self) -> DomainError | None:
        if self.status in {"under_review", "warning_under_review", "appeal_under_review"}:
            return Conflict("The evidence is with the bank. Nothing can be added or taken back.")
        if self.status in {"won", "lost", "warning_closed", "prevented"}:
            return DisputeClosed("This dispute is closed. Nothing can be sent any more.")
        if self.status not in TO_ANSWER:
            return DisputeClosed("Stripe does not say that it waits for an answer. Look into Stripe's dashboard.")
        return None

    @property
    def blocks_refund(self) -> bool:
        """Whoever is refunded now would be paid twice: once by us and once by the bank.

        A won dispute brought the money back; an inquiry has not moved any, and a refund ends it.
        """
        if self.status == "won":
            return False
        return not self.is_charge_refundable or (self.is_open and not self.is_inquiry)
