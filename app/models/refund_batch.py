"""Many refunds at once: the list somebody gave, what is wrong with it, and how far it has come."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.money import MinorUnits, Money

DRAFT = "draft"
WAITING = "waiting"
RUNNING = "running"
DONE = "done"
WITHDRAWN = "withdrawn"
STATES = (DRAFT, WAITING, RUNNING, DONE, WITHDRAWN)

BAD = "bad"
READY = "ready"
BEGUN = "begun"
MADE = "made"
REFUSED = "refused"
ROW_STATES = (BAD, READY, BEGUN, MADE, REFUSED, WITHDRAWN)


class RefundBatch(Base):
    """A list of refunds that somebody had checked, and then lets run.

    state: draft (checked; nothing happens yet), waiting (for another person's word), running, done, withdrawn.
    `credit_notes`: its refunds get one each, where the payment paid an invoice.
    `words`: why, for the lines that have no words of their own, and for whoever has to agree.
    `approval_id`: what others were asked, when it is above the limits of `made_by`. The database lets its lines pass by it.
    """

    __tablename__ = "refund_batches"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("length(trim(words)) > 0", name="words"),
        CheckConstraint("(ended_at IS NOT NULL) = (state IN ('done', 'withdrawn'))", name="ended"),
        Index(None, "account_id", "made_at", "id"),
        Index("ix_refund_batches_running", "made_at", postgresql_where=text("state = 'running'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    words: Mapped[str]
    state: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("approvals.id"))
    credit_notes: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    ended_at: Mapped[datetime | None]


class RefundBatchRow(Base):
    """One line of the list. Its `id` is the promise: the refund that it becomes has the same id, so there is only ever one.

    number: the line in the file. given: the payment as it stood there. Amount in minor units of `currency`.
    state: bad (`why_not` says why; it is never asked for), ready, begun (its turn came, and it may be promised already), made
    (there is a refund; what became of it is that one's to say), refused (`why_not`), withdrawn.
    """

    __tablename__ = "refund_batch_rows"
    __table_args__ = (
        CheckConstraint(f"state IN {ROW_STATES}", name="state"),
        CheckConstraint("(why_not IS NOT NULL) = (state IN ('bad', 'refused'))", name="why_not"),
        CheckConstraint(
            "state = 'bad' OR (charge_id IS NOT NULL AND amount > 0 AND currency IS NOT NULL"
            " AND reason IS NOT NULL AND length(trim(words)) > 0)",
            name="whole",
        ),
        Index("uq_refund_batch_rows_number", "batch_id", "number", unique=True),
        # A payment that stands there twice is a mistake of whoever made the list.
        Index(
            "uq_refund_batch_rows_charge", "batch_id", "charge_id", unique=True, postgresql_where=text("state <> 'bad'")
        ),
        Index("ix_refund_batch_rows_open", "batch_id", "number", postgresql_where=text("state IN ('ready', 'begun')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("refund_batches.id"))
    number: Mapped[int]
    given: Mapped[str]
    charge_id: Mapped[str | None]
    amount: Mapped[MinorUnits | None]
    currency: Mapped[str | None]
    reason: Mapped[str | None]
    words: Mapped[str | None]
    state: Mapped[str]
    why_not: Mapped[str | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)

    @property
    def money(self) -> Money | None:
        return Money(self.amount, self.currency) if self.amount is not None and self.currency else None
