"""Acts that wait for the word of another person, who said what, and for which acts that is asked at all."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import clock
from app.database import Base

WAITING = "waiting"
APPROVED = "approved"
# Approved and not carried out yet is still open: the act is about to happen.
OPEN = (WAITING, APPROVED)
STATES = (*OPEN, "declined", "expired", "withdrawn", "done", "failed")
APPROVE = "approve"
DECLINE = "decline"


class ApprovalPolicy(Base):
    """For one act: whether another person has to agree, and who. Rows are only added; the newest of an act is in force.

    act: a name of the table of acts. `thresholds`: by currency, from how many minor units on; empty means always.
    ask_roles, approve_roles: narrow down who holds the permission; empty means everybody who does.
    """

    __tablename__ = "approval_policies"
    __table_args__ = (
        CheckConstraint("needed BETWEEN 1 AND 5", name="needed"),
        CheckConstraint("expires_after_days BETWEEN 1 AND 90", name="expires_after_days"),
        Index(None, "act", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    act: Mapped[str]
    is_on: Mapped[bool]
    needed: Mapped[int]
    thresholds: Mapped[dict[str, Any]]
    ask_roles: Mapped[list[str]]
    approve_roles: Mapped[list[str]]
    expires_after_days: Mapped[int]
    since: Mapped[datetime]
    set_by: Mapped[str]


class Approval(Base):
    """One act that somebody asked for and others have to agree to. See the migration of approvals for what the database holds to.

    payload: what the act needs to be carried out, without personal data. `facts`: what was true when it was asked for, in words.
    state: waiting, then approved, declined, expired or withdrawn; approved becomes done or failed.
    `started_at`: somebody has been carrying it out since then; empty: nobody is. `outcome`: what came of it, in words.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("needed BETWEEN 1 AND 5", name="needed"),
        CheckConstraint("length(trim(reason)) > 0", name="reason"),
        CheckConstraint("expires_at > asked_at", name="expires_later"),
        # The same thing is not asked for twice while it is open.
        Index(
            "uq_approvals_open",
            "act",
            "object_type",
            "object_id",
            unique=True,
            postgresql_where=text(f"state IN {OPEN}"),
        ),
        Index(None, "asked_at", "id"),
        Index("ix_approvals_waiting", "expires_at", postgresql_where=text(f"state IN {OPEN}")),
        Index(None, "object_type", "object_id"),
        Index(None, "asked_by_id", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    act: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    summary: Mapped[str]
    asked_by_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    reason: Mapped[str]
    needed: Mapped[int]
    state: Mapped[str]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    outcome: Mapped[str | None]

    votes: Mapped[list["ApprovalVote"]] = relationship(order_by=lambda: ApprovalVote.id, viewonly=True)

    @property
    def is_waiting(self) -> bool:
        """It can be decided now: nobody ended it, and its time is not over."""
        return self.state == WAITING and self.expires_at > clock.now()

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def approved_by(self) -> list[str]:
        return [vote.person for vote in self.votes if vote.verdict == APPROVE]

    @property
    def missing(self) -> int:
        """How many more have to agree."""
        return max(self.needed - len(self.approved_by), 0)

    @property
    def shown_state(self) -> str:
        """As pages show it: one whose time is over is not offered any more, though the job comes by later."""
        return "expired" if self.state == WAITING and not self.is_waiting else self.state


class ApprovalVote(Base):
    """One person's word on one request. Never by who asked; one each; never changed."""

    __tablename__ = "approval_votes"
    __table_args__ = (
        CheckConstraint(f"verdict IN ('{APPROVE}', '{DECLINE}')", name="verdict"),
        CheckConstraint(f"verdict = '{APPROVE}' OR length(trim(words)) > 0", name="decline_has_words"),
        Index("uq_approval_votes_person", "approval_id", "staff_id", unique=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approvals.id"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    person: Mapped[str]
    verdict: Mapped[str]
    at: Mapped[datetime]
    words: Mapped[str]
