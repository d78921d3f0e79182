"""What a role may, for code that asks about somebody who is not at the other end of this request."""

from sqlalchemy import select

from app.database import db
from app.models.role_policy import RolePermission
from app.web.permissions import ROLES, Permission, granted


def permissions_of(role: str) -> frozenset[Permission]:
    """The role's preset with what the shop ticked since; what a person's session is given as well."""
    changes = db.session.execute(
        select(RolePermission.permission, RolePermission.granted).where(RolePermission.role == role)
    )
    return granted(role, dict(changes.all()))


def roles_with(permission: Permission) -> list[str]:
    """Every role that has it."""
    changed = select(RolePermission.role, RolePermission.granted).where(RolePermission.permission == permission.value)
    changes = dict(db.session.execute(changed).all())
    return [role for role in ROLES if changes.get(role, permission in ROLES[role])]
