"""What people wrote against a dispute: every text they saved, and what of it went to the bank."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.last_chance import JOB


class DisputeDraft(Base):
    """One saved state of the evidence. The newest that is not aside is the draft; nobody overwrites what another person saved.

    `number` counts the states of one dispute from 1. `is_aside`: somebody else had saved meanwhile, or the evidence was already
    submitted, so this text waits beside the draft; its number is the one it would have had.
    `texts`: by the names of Stripe's evidence fields. `enhanced`: `evidence.enhanced_evidence` as it would be sent.
    `appeal`: why the network should look again. `act_id`: the act that saved it at Stripe.
    """

    __tablename__ = "dispute_drafts"
    __table_args__ = (
        Index("uq_dispute_drafts_number", "dispute_id", "number", unique=True, postgresql_where=text("NOT is_aside")),
        Index(None, "dispute_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    dispute_id: Mapped[str]
    number: Mapped[int]
    is_aside: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    is_autosaved: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    product_type: Mapped[str | None]
    texts: Mapped[dict[str, Any]]
    enhanced: Mapped[dict[str, Any] | None]
    appeal: Mapped[str | None]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
    act_id: Mapped[UUID | None]


class DisputeFile(Base):
    """A file of evidence, kept here from the moment it was chosen. `pages`: an image is one page.

    `stripe_id` is empty until Stripe has it. `removed_at`: it no longer belongs to the evidence, or another took its place.
    """

    __tablename__ = "dispute_files"
    __table_args__ = (
        Index(
            "uq_dispute_files_field", "dispute_id", "field", unique=True, postgresql_where=text("removed_at IS NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    dispute_id: Mapped[str]
    field: Mapped[str]
    filename: Mapped[str]
    kind: Mapped[str]
    size: Mapped[int]
    pages: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    stripe_id: Mapped[str | None]
    added_by: Mapped[str]
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    @property
    def media_type(self) -> str:
        return {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}[self.kind]


class DisputeSubmission(Base):
    """Evidence goes to the bank once in each round; the database allows no second row. A refusal by Stripe takes it out again.

    `round`: inquiry, chargeback, or appeal with the number of submissions before it. `act_id`: the act that sent it.
    """

    __tablename__ = "dispute_submissions"
    __table_args__ = (UniqueConstraint("dispute_id", "round"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    dispute_id: Mapped[str]
    round: Mapped[str]
    act_id: Mapped[UUID]
    draft_number: Mapped[int]
    submitted_by: Mapped[str]
    submitted_at: Mapped[datetime]

    @property
    def who(self) -> str:
        """Who sent it, as a sentence begins."""
        return "The last-chance rule" if self.submitted_by == JOB else self.submitted_by
