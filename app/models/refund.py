"""Money on its way back, from our promise to Stripe's last word."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.mirrored import Mirrored
from app.money import MinorUnits, Money

# Ours before Stripe's word: `requested` is promised and perhaps sent, `refused` is Stripe's clear no.
REQUESTED = "requested"
REFUSED = "refused"
# Rows of these states give nothing back.
DEAD = ("refused", "failed", "canceled")
# The credit note that goes with it: wished for, asked of Stripe, not needed after all.
NOTE_WANTED = "wanted"
NOTE_ASKED = "asked"
NOTE_DROPPED = "dropped"
# Somebody may have to look after these.
UNCLOSED = "closed_at IS NULL AND status IN ('failed', 'requested', 'pending', 'requires_action')"


class Refund(Mirrored, Base):
    """A refund, ours or made elsewhere. Amounts in minor units of `currency`.

    `id` is our own and the idempotency key's stem; `stripe_id` (`re_…`) is unknown until Stripe answered.
    status: requested, refused (ours), then pending, requires_action, succeeded, failed, canceled (Stripe's).
    `requested_by` is empty for a refund made elsewhere.
    `asked_at`: somebody has been talking to Stripe about it since then; empty: nobody is, and a job may take it up.
    `approval_id`: the request that others agreed to, where it was above the limit of who asked.
    `closed_at`, `closed_by`, `closed_words`: a person looked after one that failed, and says what came of it.
    `credit_note`: whether one is wanted for the invoice that the payment paid: wanted, asked (see the act), dropped; empty: no.
    `trace_told_at`: when the customer was written to about the trace number, or could not be for want of an address.
    `refusal`: Stripe's words when it said no; on a `requested` one, why a person has to look.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("stripe_id IS NOT NULL OR status IN ('requested', 'refused')", name="known_to_stripe"),
        CheckConstraint("requested_by IS NULL OR requested_at IS NOT NULL", name="request_has_time"),
        CheckConstraint("requested_by IS NULL OR length(trim(reason_text)) > 0", name="request_has_reason"),
        # While one refund of a charge has no answer, no second one can be promised, from whichever door.
        Index("uq_refunds_one_in_flight", "charge_id", unique=True, postgresql_where=text("status = 'requested'")),
        Index(None, "account_id", "created_at", "id"),
        Index(None, "charge_id"),
        Index(None, "payment_intent_id"),
        Index(None, "account_id", "status", "created_at"),
        # What one person gave back today, at every refund.
        Index(
            "ix_refunds_requested_by",
            "requested_by",
            "requested_at",
            postgresql_where=text("requested_by IS NOT NULL"),
        ),
        Index(
            "ix_refunds_trace_untold",
            "requested_at",
            postgresql_where=text("trace_reference IS NOT NULL AND trace_told_at IS NULL AND requested_by IS NOT NULL"),
        ),
        Index("ix_refunds_note_wanted", "requested_at", postgresql_where=text("credit_note = 'wanted'")),
        Index("ix_refunds_unclosed", "account_id", "created_at", "id", postgresql_where=text(UNCLOSED)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, server_default=text("gen_random_uuid()"))  # type: ignore[assignment]
    stripe_id: Mapped[str | None] = mapped_column(unique=True)
    raw: Mapped[bytes | None] = mapped_column()  # type: ignore[assignment]
    amount: Mapped[MinorUnits]
    currency: Mapped[str]
    status: Mapped[str]
    charge_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    balance_transaction_id: Mapped[str | None]
    failure_balance_transaction_id: Mapped[str | None]
    reason: Mapped[str | None]
    failure_reason: Mapped[str | None]
    pending_reason: Mapped[str | None]
    receipt_number: Mapped[str | None]
    trace_reference: Mapped[str | None]
    trace_status: Mapped[str | None]
    reason_text: Mapped[str | None]
    requested_by: Mapped[str | None]
    requested_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    refusal: Mapped[str | None]
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approvals.id"))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closed_words: Mapped[str | None]
    credit_note: Mapped[str | None]
    trace_told_at: Mapped[datetime | None]

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def is_outside(self) -> bool:
        """Made in Stripe's dashboard or by another program."""
        return self.requested_by is None

    @property
    def is_in_flight(self) -> bool:
        """Promised, and Stripe's answer is not known: it may or may not have happened there."""
        return self.status == REQUESTED

    @property
    def is_live(self) -> bool:
        """It gives money back, or may still."""
        return self.status not in DEAD

    @property
    def is_release(self) -> bool:
        """Stripe's note that money which was only held was let go: nothing was taken, so nothing moved."""
        return self.is_outside and self.status == "succeeded" and self.balance_transaction_id is None

    @property
    def needs_person(self) -> bool:
        """Stripe knew nothing of it when its key had run out: asking again by itself could pay twice."""
        return self.is_in_flight and self.refusal is not None

    @property
    def state(self) -> str:
        """The status as pages show it: a promise without an answer is being sent, being checked, or waits for a person; held money
        that was let go is no refund."""
        if not self.is_in_flight:
            return "released" if self.is_release else self.status
        if self.needs_person:
            return "needs_person"
        return "being_checked" if self.asked_at is None or self.tries > 1 else self.status

    @property
    def by(self) -> str:
        """Who did it, as messages name them."""
        return self.requested_by or "someone in Stripe"

    @property
    def since(self) -> datetime:
        """When it was promised here, or else made there."""
        return self.requested_at or self.created_at or self.seen_at

    def __str__(self) -> str:
        return f"{self.money} by {self.by} on {self.since.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
