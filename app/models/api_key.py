"""Keys that programs of the shop use in place of a person."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Base
from app.models.staff import Staff


class ApiKey(Base):
    """One key. `prefix` finds it and may be shown; of the rest only an HMAC is kept.

    `account_id`: whose data it opens, and by that in which mode.
    `scopes`: permissions by name; the key may these and nothing else.
    `created_by`: who made it, by e-mail address. `owner_id`: who answers for it now; it may never more than they may.
    `replaced_by_id`: the key that was made when this one was rotated; this one expires after the overlap.
    `per_minute`: requests. `last_used_at`: true to a few minutes.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("cardinality(scopes) > 0", name="scopes"),
        CheckConstraint("replaced_by_id IS NULL OR expires_at IS NOT NULL", name="replaced_ends"),
        CheckConstraint("per_minute BETWEEN 1 AND 6000", name="per_minute"),
        Index("uq_api_keys_prefix", "prefix", unique=True),
        Index(None, "created_at"),
        Index(None, "account_id", "created_at", "id"),
        Index(None, "owner_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]]
    per_minute: Mapped[int] = mapped_column(server_default=text("600"), default=600)
    created_by: Mapped[str]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_ip: Mapped[str | None]
    replaced_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id"))

    owner: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)

    def state(self, now: datetime) -> str:
        """active, ending (rotated, and good until the overlap is over), expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "ending" if self.replaced_by_id else "active"
