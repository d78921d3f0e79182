"""What this shop changed about its roles. Where it says nothing, the presets of `app/web/permissions.py` hold."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.staff import ROLES


class RolePermission(Base):
    """One cell of the matrix that differs from the preset. Nobody can take the management of roles from admins."""

    __tablename__ = "role_permissions"
    __table_args__ = (
        CheckConstraint(f"role IN {ROLES}", name="role"),
        CheckConstraint(
            "granted OR role <> 'admin' OR permission NOT IN ('staff.read', 'staff.manage')", name="admin_stays"
        ),
    )

    role: Mapped[str] = mapped_column(primary_key=True)
    permission: Mapped[str] = mapped_column(primary_key=True)
    granted: Mapped[bool]
    changed_at: Mapped[datetime]


class RolePolicy(Base):
    """How people of a role have to come in. A role without a row asks for a password and no more."""

    __tablename__ = "role_policies"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    role: Mapped[str] = mapped_column(primary_key=True)
    second_factor: Mapped[bool]
    changed_at: Mapped[datetime]
