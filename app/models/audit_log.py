"""Who did what to what, and why. Rows are only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

ACTOR_KINDS = ("staff", "job", "stripe", "customer", "api_key", "command")


class AuditLog(Base):
    """One act. `id` has no gaps that matter: the order of the chain is the order of `id`.

    `hash` and `previous_hash` are filled by a trigger in the database, so a row that came in by any way is in the chain.
    `before` and `after` hold the fields that changed; never secrets, never card data.
    Words of a person who was erased can be taken out later: `erasure_id` says by what. `salt`, `salts` and `digests` let the chain
    be checked all the same; see docs/decisions/erasure.md. `version`: 1 hashed the words themselves, 2 hashes their digests.
    """

    __tablename__ = "audit_logs"
    __table_args__ = (
        CheckConstraint(f"actor_kind IN {ACTOR_KINDS}", name="actor_kind"),
        Index(None, "object_type", "object_id", "id"),
        Index(None, "actor", "id"),
        Index(None, "action", "id"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    account_id: Mapped[int | None]
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    ip: Mapped[str | None]
    request_id: Mapped[str | None]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]
    version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    salt: Mapped[UUID | None]
    salts: Mapped[dict[str, Any] | None]
    digests: Mapped[dict[str, Any] | None]
    erasure_id: Mapped[UUID | None]
