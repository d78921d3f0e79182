"""The people who work here, their sessions, and attempts to be one of them."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Base

ROLES = ("admin", "finance", "support_lead", "support", "dispute_analyst", "developer", "auditor", "view_only")


class Staff(Base):
    """One person. `email` is unique whatever its case. Nobody is deleted: `deactivated_at` ends access at once.

    `password_hash`: None for who comes in through single sign-on only.
    `sso_subject`: issuer and subject at the identity provider, "https://id.example.com|00u1"; an e-mail address may change hands.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(f"role IN {ROLES}", name="role"),
        CheckConstraint("email = lower(email) AND position('@' in email) > 1", name="email"),
        Index("uq_staff_email", "email", unique=True),
        Index("uq_staff_sso_subject", "sso_subject", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    sso_subject: Mapped[str | None]
    created_at: Mapped[datetime]
    last_sign_in_at: Mapped[datetime | None]
    deactivated_at: Mapped[datetime | None]

    @property
    def is_active(self) -> bool:
        return self.deactivated_at is None


class StaffSession(Base):
    """A signed-in browser. `id` is the SHA-256 of the cookie's token: whoever reads the table cannot sign in with it.

    `unfinished`: what stood in a form when the password was asked for again, until that form is sent.
    `second_factor_at`: when a code or passkey was last given in it; None in a session that a password alone began.
    `seen_as`: the role this person looks through, and can change nothing until they stop or `seen_as_until` is past.
    `unmasked`: until when whose data is shown in full, and who is the same person: {"cus_1": {"until": "2026-11-02T12:10:00+00:00",
    "with": ["cus_2"]}}.
    """

    __tablename__ = "staff_sessions"
    __table_args__ = (
        CheckConstraint(f"seen_as IS NULL OR seen_as IN {ROLES}", name="seen_as"),
        CheckConstraint("(seen_as IS NULL) = (seen_as_until IS NULL)", name="seen_as_until"),
        Index(None, "staff_id", "last_seen_at"),
    )

    id: Mapped[bytes] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    proved_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    unfinished: Mapped[dict[str, Any] | None]
    second_factor_at: Mapped[datetime | None]
    seen_as: Mapped[str | None]
    seen_as_until: Mapped[datetime | None]
    unmasked: Mapped[dict[str, Any] | None]

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)


class SignInAttempt(Base):
    """One try to sign in; counting the failed ones by address and by e-mail slows guessing down, in every process alike."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index(None, "email", "at"), Index(None, "ip", "at"), Index(None, "at"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    email: Mapped[str]
    ip: Mapped[str]
    succeeded: Mapped[bool]
