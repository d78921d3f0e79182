"""What we ask Stripe to change, from our promise to its answer."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# Promised and perhaps sent; answered with a yes; answered with a clear no; given up by a person before Stripe had it.
REQUESTED = "requested"
DONE = "done"
REFUSED = "refused"
WITHDRAWN = "withdrawn"
STATUSES = (REQUESTED, DONE, REFUSED, WITHDRAWN)


class Act(Base):
    """One write to Stripe. Refunds have a table of their own, because Stripe's refund lives on in that row.

    `id` is made with the form and is the stem of the idempotency key, so that one form is one act.
    `kind` is the name of an `app.acts.kinds.ActKind`; `lock` names what only one act at a time may touch, like `payment:pi_1`.
    `object_type`, `object_id`: what it is about, as the audit trail names it.
    `method`, `path`, `form`: what is sent. Once answered, `form` keeps only what its kind says may stay.
    `result_id` is the Stripe id of the object in the answer, `result` a few words of it for people.
    `asked_at`: somebody has been talking to Stripe about it since then; empty: nobody is, and a job may take it up.
    `refusal`: Stripe's words when it said no; on a `requested` one, why a person has to look.
    """

    __tablename__ = "acts"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("method IN ('POST', 'DELETE')", name="method"),
        CheckConstraint("status = 'requested' OR asked_at IS NULL", name="asked_while_requested"),
        # While one act has no answer, no second one can be promised on the same thing, from whichever door.
        Index(
            "uq_acts_one_in_flight", "account_id", "lock", unique=True, postgresql_where=text("status = 'requested'")
        ),
        Index("ix_acts_waiting", "requested_at", postgresql_where=text("status = 'requested'")),
        Index(None, "object_type", "object_id", "requested_at"),
        Index(None, "account_id", "requested_at", "id"),
        Index(None, "account_id", "object_id"),
        Index(None, "account_id", "requested_by", "requested_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    lock: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    form: Mapped[dict[str, Any]]
    status: Mapped[str]
    reason_text: Mapped[str | None]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    answered_at: Mapped[datetime | None]
    result_id: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    refusal: Mapped[str | None]

    @property
    def key(self) -> str:
        """The idempotency key, whoever asks and however often."""
        return f"act:{self.id}"

    @property
    def is_in_flight(self) -> bool:
        """Stripe's answer is not known: it may or may not have happened there."""
        return self.status == REQUESTED

    @property
    def needs_person(self) -> bool:
        """Too old to be asked for again, and Stripe shows no trace of it: somebody has to look."""
        return self.status == REQUESTED and self.refusal is not None

    @property
    def state(self) -> str:
        """One word for people: also whether somebody is asking, or it is being looked up."""
        if self.status != REQUESTED:
            return self.status
        if self.needs_person:
            return "needs_person"
        return "being_checked" if self.asked_at is None or self.tries > 1 else self.status

    def __str__(self) -> str:
        return f"{self.kind} by {self.requested_by} on {self.requested_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
