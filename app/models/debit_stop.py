"""Why nothing is debited, since when, and what was done about it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# reason → what it says. Read it like a table.
REASONS: dict[str, str] = {
    "mandate_inactive": "The mandate ended",
    "mandate_refused": "The bank refused the mandate",
    "mandate_revoked": "The mandate was revoked",
    "mandate_unknown": "Stripe does not know the mandate any more",
    "method_detached": "The payment method was taken off its customer",
    "by_hand": "Stopped by hand",
}


class DebitStop(Base):
    """Nothing is debited under this mandate, from this payment method, or from this customer, until it is lifted.

    Those about mandates and payment methods are written by triggers, in the transaction that brings the news, and
    lifted by them when Stripe says otherwise. Those about customers are set and lifted by people.
    subject_type, subject_id: what it is about. `detail`: the bank's reason; `words`: the person's.
    since: on Stripe's clock where Stripe told of it. worked_…: the case that it opened was closed, with words; the stop stands.
    """

    __tablename__ = "debit_stops"
    __table_args__ = (
        CheckConstraint("subject_type IN ('mandate', 'payment_method', 'customer')", name="subject_type"),
        CheckConstraint(f"reason IN {tuple(REASONS)}", name="reason"),
        CheckConstraint(
            "(reason = 'by_hand') = (subject_type = 'customer') AND (reason <> 'by_hand' OR words IS NOT NULL)",
            name="by_hand",
        ),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted"),
        CheckConstraint(
            "(worked_at IS NULL) = (worked_by IS NULL) AND (worked_at IS NULL) = (worked_words IS NULL)", name="worked"
        ),
        Index(
            "uq_debit_stops_standing",
            *("account_id", "subject_type", "subject_id"),
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
        Index(None, "account_id", "since", "id"),
        Index(
            "ix_debit_stops_to_work",
            *("account_id", "since", "id"),
            postgresql_where=text("lifted_at IS NULL AND worked_at IS NULL"),
        ),
        Index(None, "customer_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    customer_id: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    reason: Mapped[str]
    detail: Mapped[str | None]
    words: Mapped[str | None]
    since: Mapped[datetime]
    set_at: Mapped[datetime]
    set_by: Mapped[str]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    worked_at: Mapped[datetime | None]
    worked_by: Mapped[str | None]
    worked_words: Mapped[str | None]

    @classmethod
    def to_work(cls) -> Any:
        """The condition of the cases that wait for a person, as the index has it."""
        return cls.lifted_at.is_(None) & cls.worked_at.is_(None)

    @property
    def state(self) -> str:
        """open: a person has to look; worked: it stands, and somebody has looked; lifted: it does not stand any more."""
        if self.lifted_at is not None:
            return "lifted"
        return "open" if self.worked_at is None else "worked"

    @property
    def says(self) -> str:
        return REASONS[self.reason]

    @property
    def is_by_hand(self) -> bool:
        return self.reason == "by_hand"
