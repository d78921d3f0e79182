"""From where people may work here."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import CIDR
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.staff import ROLES


class AllowedNetwork(Base):
    """A network, "203.0.113.0/24". With none that concerns a role, its people may come from anywhere.

    `role`: whom it concerns; None is everybody.
    """

    __tablename__ = "allowed_networks"
    __table_args__ = (
        CheckConstraint(f"role IS NULL OR role IN {ROLES}", name="role"),
        Index("uq_allowed_networks_network_role", "network", "role", unique=True, postgresql_nulls_not_distinct=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    network: Mapped[str] = mapped_column(CIDR)
    role: Mapped[str | None]
    note: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
