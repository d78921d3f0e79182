"""What staff add to things of Stripe: notes, tags and fields of their own. Nothing of it is written to Stripe."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

LONGEST_NOTE = 10_000
LONGEST_VALUE = 500


class Note(Base):
    """One version of a note about `subject_type` and `subject_id`, named as in the audit trail (`customer`, `cus_…`).

    An edit adds a row with the same `note_id` and the next `version`; the one that counts has no `replaced_at`. A note whose
    every version is replaced was removed.
    """

    __tablename__ = "notes"
    __table_args__ = (
        UniqueConstraint("note_id", "version"),
        CheckConstraint(f"length(words) BETWEEN 1 AND {LONGEST_NOTE}", name="words_fit"),
        Index("uq_notes_current", "note_id", unique=True, postgresql_where=text("replaced_at IS NULL")),
        Index(None, "account_id", "subject_type", "subject_id", "written_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    note_id: Mapped[UUID]
    version: Mapped[int]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    words: Mapped[str]
    written_by: Mapped[str]
    written_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]


class Tag(Base):
    """One word on one thing, by which lists are filtered. What was added and removed is in the audit trail."""

    __tablename__ = "tags"
    __table_args__ = (
        CheckConstraint("tag ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name="tag"),
        Index(None, "account_id", "subject_type", "tag", "subject_id"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    subject_type: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    added_by: Mapped[str]
    added_at: Mapped[datetime]


class CustomValue(Base):
    """A field of the shop's own on one thing, like `loyalty-level`: `gold`.

    A change adds a row; the one that counts has no `replaced_at`.
    """

    __tablename__ = "custom_values"
    __table_args__ = (
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name="name"),
        CheckConstraint(f"length(value) BETWEEN 1 AND {LONGEST_VALUE}", name="value_fits"),
        Index(
            "uq_custom_values_current",
            "account_id",
            "subject_type",
            "subject_id",
            "name",
            unique=True,
            postgresql_where=text("replaced_at IS NULL"),
        ),
        Index(None, "account_id", "subject_type", "subject_id", "set_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    name: Mapped[str]
    value: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]
