"""Persons who were erased: what was decided, how far it is, and the ids by which they would be recognised if they came again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

RUNNING = "running"
DONE = "done"


class Erasure(Base):
    """One customer whose words are taken out everywhere. Its `id` is that of the request others agreed to, where there was one.

    words: what the person is called, for looking through free text; only while it runs, then it goes with the rest.
    obstacles: what spoke against it when it began; `forced_because`: why it was done all the same.
    waits_for: what holds it up right now, in words; empty when nothing does.
    """

    __tablename__ = "erasures"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done')", name="state"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done"),
        CheckConstraint("state = 'running' OR words IS NULL", name="words_go"),
        CheckConstraint("length(trim(reason)) > 0", name="reason"),
        CheckConstraint("forced_because IS NOT NULL OR cardinality(obstacles) = 0", name="forced_with_reason"),
        Index(None, "account_id", "begun_at", "id"),
        Index(None, "customer_id", "begun_at"),
        Index("uq_erasures_running", "customer_id", unique=True, postgresql_where=text("state = 'running'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    customer_id: Mapped[str]
    state: Mapped[str]
    asked_by: Mapped[str]
    reason: Mapped[str]
    forced_because: Mapped[str | None]
    obstacles: Mapped[list[str]]
    words: Mapped[dict[str, Any] | None]
    begun_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    waits_for: Mapped[str | None]

    @property
    def is_running(self) -> bool:
        return self.state == RUNNING


class ErasureStep(Base):
    """How far an erasure is in one table. `rows`: how many were changed.

    after_key: `{"key": […]}` of the last row that was looked at; empty before the first.
    """

    __tablename__ = "erasure_steps"

    erasure_id: Mapped[UUID] = mapped_column(ForeignKey("erasures.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    after_key: Mapped[dict[str, Any] | None]
    rows: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), default=0)
    done_at: Mapped[datetime | None]


class ErasedObject(Base):
    """A Stripe id that was an erased person's, or became so later: what comes with it is stripped before it is written.

    swept_at: what refers to it was looked through since; empty for one that came in after the erasure and waits for the job.
    """

    __tablename__ = "erased_objects"
    __table_args__ = (
        Index(None, "erasure_id"),
        Index("ix_erased_objects_unswept", "erased_at", postgresql_where=text("swept_at IS NULL")),
    )

    # In the order of bytes, as ids are compared everywhere.
    id: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    account_id: Mapped[int]
    customer_id: Mapped[str]
    erasure_id: Mapped[UUID] = mapped_column(ForeignKey("erasures.id"))
    erased_at: Mapped[datetime]
    swept_at: Mapped[datetime | None]
