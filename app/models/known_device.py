"""From where people came in before."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import CIDR
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class KnownDevice(Base):
    """One browser of one person, at one network. Knowing it lets nobody in: it only keeps a mail from being written.

    `token_hash`: the SHA-256 of what the browser keeps. `network`: "203.0.113.0/24" or "2001:db8:1::/48"; None when unknown.
    `name`: "Firefox on Linux".
    """

    __tablename__ = "known_devices"
    __table_args__ = (
        Index(
            "uq_known_devices_place",
            "staff_id",
            "token_hash",
            "network",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "last_used_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    token_hash: Mapped[bytes]
    network: Mapped[str | None] = mapped_column(CIDR)
    name: Mapped[str]
    first_used_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
