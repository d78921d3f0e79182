"""A shop's own roles: what an admin ticked holds, and nobody can lock everybody out."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app import clock
from app.database import db, transaction
from app.models.audit_log import AuditLog
from app.models.role_policy import RolePermission, RolePolicy
from app.web.permissions import ADMINS_KEEP, ROLES, Permission
from tests.desk import staff


def test_what_is_ticked_and_unticked_holds_from_the_next_request_on(app: Flask) -> None:
    admin, ben = staff(app, "admin"), staff(app, "developer")
    ben.get("/admin/webhooks/")
    ben.get("/admin/audit/", expect=403)
    wanted = (ROLES["developer"] | {Permission.AUDIT_READ}) - {Permission.EVENT_READ}

    admin.post("/admin/staff/roles/developer", {"permission": sorted(wanted)})

    ben.get("/admin/audit/")
    ben.get("/admin/webhooks/", expect=403)
    kept = db.session.execute(select(RolePermission.permission, RolePermission.granted)).all()
    assert sorted(map(tuple, kept)) == [("audit.read", True), ("event.read", False)]
    entry = db.session.execute(select(AuditLog).where(AuditLog.action == "role.changed")).scalar_one()
    assert (entry.object_id, entry.after["given"], entry.before["taken"]) == (
        "developer",
        ["audit.read"],
        ["event.read"],
    )


def test_a_change_back_to_the_preset_leaves_nothing(app: Flask) -> None:
    admin = staff(app, "admin")
    admin.post("/admin/staff/roles/auditor", {"permission": []})

    admin.post("/admin/staff/roles/auditor", {"permission": sorted(ROLES["auditor"])})

    assert db.session.query(RolePermission).count() == 0


def test_admins_keep_what_they_need_to_give_it_back(app: Flask) -> None:
    admin = staff(app, "admin")

    admin.post("/admin/staff/roles/admin", {"permission": ["charge.read"]})

    admin.get("/admin/audit/", expect=403)
    admin.get("/admin/staff/roles/admin")
    admin.post("/admin/staff/roles/admin", {"permission": sorted(Permission)})
    admin.get("/admin/audit/")
    for permission in ADMINS_KEEP:
        with pytest.raises(IntegrityError, match="admin_stays"), transaction():
            row = {"permission": permission.value, "at": clock.now()}
            db.session.execute(text("INSERT INTO role_permissions VALUES ('admin', :permission, false, :at)"), row)


def test_a_role_that_has_to_have_a_second_factor_is_asked_for_it_at_once(app: Flask) -> None:
    admin, ana = staff(app, "admin"), staff(app)

    admin.post("/admin/staff/roles/support", {"permission": sorted(ROLES["support"]), "second_factor": "yes"})

    assert ana.get("/admin/charges/", expect=303).location == "/admin/second-factor/"
    assert db.session.execute(select(RolePolicy.second_factor)).scalars().all() == [True]


def test_only_a_fresh_proof_changes_a_role(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        admin = staff(app, "admin")
        travel.shift(timedelta(minutes=10))

        asked = admin.post("/admin/staff/roles/auditor", {"permission": []})

        assert (asked.location or "").startswith("/login/again")
        assert db.session.query(RolePermission).count() == 0


@pytest.mark.parametrize("role", ["nobody", "ADMIN", "%00", "admin%20"])
def test_there_are_no_other_roles(app: Flask, role: str) -> None:
    admin = staff(app, "admin")

    admin.get(f"/admin/staff/roles/{role}", expect=404)
    admin.post(f"/admin/staff/roles/{role}", {"permission": ["charge.read"]}, expect=404)

    assert db.session.query(RolePermission).count() == 0
