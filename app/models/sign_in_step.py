"""What stands between two requests of one sign-in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

KINDS = ("second_factor", "passkey", "new_passkey", "sso", "forgot")


class SignInStep(Base):
    """A step that waits for the next one, in one browser, for a few minutes. `id` is the SHA-256 of what the browser holds.

    Taken once: who finishes it removes the row, so that nothing that was overheard works a second time.
    `data`: a challenge, the state, nonce and verifier of a single sign-on, or who asked for a link to choose a new password.
    """

    __tablename__ = "sign_in_steps"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        Index(None, "expires_at"),
        Index(None, "staff_id"),
    )

    id: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str]
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
