"""What this shop changed about its roles: the matrix, and who needs a second factor."""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict
from app.models.role_policy import RolePermission, RolePolicy
from app.staff.operations import checked_role
from app.web.permissions import ADMINS_KEEP, ROLES, Permission, granted


class AdminsStay(Conflict):
    """Without it nobody could give anything back."""


def matrix() -> dict[str, frozenset[Permission]]:
    """What each role may at this moment."""
    changes: dict[str, dict[str, bool]] = {}
    for role, permission, given in db.session.execute(
        select(RolePermission.role, RolePermission.permission, RolePermission.granted)
    ):
        changes.setdefault(role, {})[permission] = given
    return {role: granted(role, changes.get(role)) for role in ROLES}


def enforced() -> frozenset[str]:
    """Roles that need a second factor."""
    return frozenset(db.session.execute(select(RolePolicy.role).where(RolePolicy.second_factor)).scalars())


def change(role: str, wanted: Collection[Permission], *, second_factor: bool, actor: Actor) -> None:
    """From the next request on people of this role may exactly what is `wanted`, and need a second factor or not.

    Only what differs from the preset is kept, so that a permission that comes with a later version has its preset.

    Raises:
        AdminsStay: admins would lose the management of roles.
    """
    checked_role(role)
    if role == "admin" and not set(wanted) >= ADMINS_KEEP:
        raise AdminsStay("Admins keep the right to see and manage staff, or nobody could give anything back.")
    now = clock.now()
    with transaction():
        # Everybody who changes this role waits here for whoever is doing so.
        before_factor = db.session.execute(
            insert(RolePolicy)
            .values(role=role, second_factor=False, changed_at=now)
            .on_conflict_do_update(index_elements=[RolePolicy.role], set_={"changed_at": now})
            .returning(RolePolicy.second_factor)
        ).scalar_one()
        before = matrix()[role]
        if before == set(wanted) and before_factor == second_factor:
            return
        policy = db.session.get_one(RolePolicy, role, populate_existing=True)
        policy.second_factor = second_factor
        db.session.execute(delete(RolePermission).where(RolePermission.role == role))
        db.session.add_all(
            RolePermission(role=role, permission=permission, granted=permission in wanted, changed_at=now)
            for permission in sorted(ROLES[role] ^ set(wanted))
        )
        trail.record(
            actor,
            "role.changed",
            "role",
            role,
            before={"taken": sorted(before - set(wanted)), "second_factor": before_factor},
            after={"given": sorted(set(wanted) - before), "second_factor": second_factor},
        )
