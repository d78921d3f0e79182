"""Who works here changes by rule, and every change is on record."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app import clock
from app.actor import Actor
from app.database import db
from app.errors import BadRequest, Unknown
from app.models.audit_log import AuditLog
from app.models.staff import Staff, StaffSession
from app.staff import housekeeping, operations
from app.staff.operations import LastAdmin
from tests.desk import PASSWORD, staff

BOSS = Actor("staff", "boss@shop.example")


def _add(email: str, role: str = "admin") -> UUID:
    return operations.add_staff(email, role=role, password=PASSWORD, actor=Actor.command("tests"))


def _changes() -> list[tuple[str, str, object, object]]:
    entries = db.session.execute(select(AuditLog).order_by(AuditLog.id)).scalars()
    return [
        (entry.action, entry.object_id, entry.before, entry.after) for entry in entries if entry.action != "staff.added"
    ]


def test_a_role_is_changed_with_before_and_after_on_record(app: Flask) -> None:
    ben = _add("ben@shop.example", "support")

    operations.change_role(ben, role="finance", actor=BOSS)
    operations.change_role(ben, role="finance", actor=BOSS)

    assert db.session.get_one(Staff, ben).role == "finance"
    assert _changes() == [("staff.role_changed", "ben@shop.example", {"role": "support"}, {"role": "finance"})]


def test_access_is_ended_and_restored(app: Flask) -> None:
    ben = _add("ben@shop.example", "support")

    operations.deactivate(ben, actor=BOSS)
    ended = db.session.get_one(Staff, ben).is_active
    operations.reactivate(ben, actor=BOSS)

    assert (ended, db.session.get_one(Staff, ben).is_active) == (False, True)
    assert [change[0] for change in _changes()] == ["staff.deactivated", "staff.reactivated"]


def test_the_last_admin_stays(app: Flask) -> None:
    ana, ben = _add("ana@shop.example"), _add("ben@shop.example")
    operations.deactivate(ben, actor=BOSS)

    with pytest.raises(LastAdmin, match="is the only admin left"):
        operations.change_role(ana, role="support", actor=BOSS)
    with pytest.raises(LastAdmin):
        operations.deactivate(ana, actor=BOSS)

    assert db.session.get_one(Staff, ana).role == "admin"
    assert [change[0] for change in _changes()] == ["staff.deactivated"]


def test_two_admins_who_demote_each_other_at_once_leave_one(committed: Flask) -> None:
    pair = [_add("ana@shop.example"), _add("ben@shop.example")]
    refused: list[str] = []
    start = threading.Barrier(2)

    def demote(target: UUID) -> None:
        with committed.app_context():
            start.wait()
            try:
                operations.change_role(target, role="support", actor=BOSS)
            except LastAdmin as refusal:
                refused.append(str(refusal))

    threads = [threading.Thread(target=demote, args=(target,)) for target in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    admins = db.session.execute(select(func.count()).select_from(Staff).where(Staff.role == "admin")).scalar_one()
    assert admins == 1
    assert len(refused) == 1


def test_what_does_not_exist_is_refused(app: Flask) -> None:
    ana = _add("ana@shop.example")

    with pytest.raises(Unknown, match="Nobody like that works here"):
        operations.deactivate(uuid4(), actor=BOSS)
    with pytest.raises(BadRequest, match="There is no such role"):
        operations.change_role(ana, role="root", actor=BOSS)
    with pytest.raises(BadRequest, match="There is no such role"):
        operations.add_staff("ben@shop.example", role="root", password=PASSWORD, actor=BOSS)

    assert _changes() == []


def test_the_page_of_a_person_changes_roles_and_shows_what_happened(app: Flask) -> None:
    admin = staff(app, "admin")
    ben = _add("ben@shop.example", "support")

    admin.post(f"/admin/staff/{ben}/role", {"role": "view_only"})
    page = admin.get(f"/admin/staff/{ben}")
    refused = admin.post(f"/admin/staff/{ben}/role", {"role": "root"}, expect=400)

    assert "The role is now View only." in page.words
    assert f"{admin.email} changed the role of ben@shop.example from support to view_only" in page.words
    assert "Give money back" not in page.words
    assert "Not a valid choice" in refused.words
    assert db.session.get_one(Staff, ben).role == "view_only"


def test_an_admin_cannot_lock_everybody_out_from_the_page(app: Flask) -> None:
    admin = staff(app, "admin")
    me = db.session.execute(select(Staff.id)).scalar_one()

    admin.post(f"/admin/staff/{me}/deactivate")

    assert "is the only admin left" in admin.get(f"/admin/staff/{me}").words


def test_a_support_lead_sees_the_staff_but_changes_nobody(app: Flask) -> None:
    lead = staff(app, "support_lead")
    ben = _add("ben@shop.example", "support")

    page = lead.get(f"/admin/staff/{ben}")
    lead.post(f"/admin/staff/{ben}/role", {"role": "admin"}, expect=403)
    lead.post(f"/admin/staff/{ben}/deactivate", {"role": "admin"}, expect=403)

    assert "End access" not in page.words
    assert db.session.get_one(Staff, ben).role == "support"


def test_the_matrix_page_shows_every_role_and_permission(app: Flask) -> None:
    page = staff(app, "support_lead").get("/admin/staff/roles")

    assert "Give money back" in page.words
    assert "Dispute analyst" in page.words


def test_old_sessions_and_tries_are_forgotten_and_young_ones_kept(app: Flask) -> None:
    with time_machine.travel(clock.now() - timedelta(days=31), tick=False):
        staff(app, "admin")
    young = staff(app, "support")

    assert housekeeping.forget_old() == 2
    assert db.session.execute(select(func.count()).select_from(StaffSession)).scalar_one() == 1
    young.get("/admin/sessions/")
