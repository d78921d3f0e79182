"""Seeing the desk as another role: what it sees, nothing it could do, and on record."""

import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.database import db
from app.errors import Conflict
from app.models.audit_log import AuditLog
from app.models.staff import Staff, StaffSession
from app.refunds import allowances
from app.staff import operations, roles, seeing
from app.web.permissions import ROLES, Permission
from tests import factories
from tests.desk import Desk, staff
from tests.web.routes import UNSAFE, fingerprint, routes_with_rows

TESTS = Actor.command("tests")


def _begin(person: Desk, role: str, **form: str) -> None:
    person.get("/admin/see-as/")
    page = person.post("/admin/see-as/begin", {"role": role, "reason": "A question of theirs"} | form)
    assert page.location == "/admin/"
    person.get("/admin/sessions/")


@pytest.mark.parametrize("role", ["support", "view_only", "auditor", "developer", "dispute_analyst"])
def test_every_page_answers_as_it_answers_the_role(app: Flask, role: str) -> None:
    ours, _ = routes_with_rows(app)
    pages = [
        route for route in ours if route.method == "GET" and route.is_door and not route.endpoint.startswith("sso")
    ]
    somebody, admin = staff(app, role), staff(app, "admin")
    _begin(admin, role)

    different = []
    for route in pages:
        answers = [one.client.get(route.path, query_string=dict(route.form)).status_code for one in (somebody, admin)]
        if answers[0] != answers[1]:
            different.append((str(route), *answers))

    assert different == []


def test_masks_menu_and_limits_are_the_role_s_and_the_banner_is_on_every_page(app: Flask) -> None:
    mira = factories.customer(name="Mira", email="mira@example.com")
    charge = factories.charge(customer_id=mira.id)
    allowances.set_limit("role", "support", "eur", approval_from=777, per_day=None, actor=TESTS)  # type: ignore[arg-type]
    admin, support = staff(app, "admin"), staff(app, "support")

    _begin(admin, "view_only")
    page = admin.get(f"/admin/customers/{mira.id}")
    assert "mira@example.com" not in page.html
    assert "You see this as View only" in page.words
    assert "Audit trail" not in page.words
    assert "You see this as View only" in admin.get("/admin/charges/").words
    admin.post("/admin/see-as/stop")
    assert "mira@example.com" in admin.get(f"/admin/customers/{mira.id}").html

    _begin(admin, "support")
    form = f"/admin/refunds/new?charge={charge.id}"
    said = "7.77 EUR"
    assert said in support.get(form).words
    assert said in admin.get(form).words


def test_nothing_can_be_changed_until_they_stop(app: Flask) -> None:
    ours, _ = routes_with_rows(app)
    admin = staff(app, "admin")
    _begin(admin, "finance")
    token = admin.get("/admin/sessions/").token
    before = fingerprint(without=("staff_sessions", "audit_logs"))

    wrong = []
    for route in ours:
        if route.method in UNSAFE and route.is_door and route.endpoint != "see_as.stop":
            answer = admin.client.open(route.path, method=route.method, data={"csrf_token": token, **route.form})
            if answer.status_code != 403:
                wrong.append((str(route), answer.status_code))

    assert wrong == []
    assert fingerprint(without=("staff_sessions", "audit_logs")) == before
    page = admin.post("/admin/sessions/end", {"session": "x"}, expect=403)
    assert "You see this as Finance. Nothing can be changed until you stop" in page.words


def test_beginning_and_stopping_are_on_record_as_who_they_really_are(app: Flask) -> None:
    admin = staff(app, "admin")
    _begin(admin, "support", reason="Why can Ana not  see it?")
    admin.get("/admin/audit/", expect=403)
    admin.post("/admin/see-as/stop")
    admin.get("/admin/sessions/")
    admin.post("/admin/see-as/stop")

    acts = db.session.scalars(
        select(AuditLog).where(AuditLog.action.like("staff.seen_as%")).order_by(AuditLog.id)
    ).all()
    assert [(act.actor, act.action, act.object_id, act.reason) for act in acts] == [
        (admin.email, "staff.seen_as_begun", "support", "Why can Ana not see it?"),
        (admin.email, "staff.seen_as_ended", "support", None),
    ]
    refused = db.session.scalars(select(AuditLog).where(AuditLog.action == "access.refused")).one()
    assert refused.actor == admin.email
    assert f"{admin.email} began to see the desk as Support" in admin.get("/admin/audit/").words


def test_it_is_no_way_up_and_no_way_in(app: Flask) -> None:
    """Somebody whom the shop let manage staff sees as an admin no more than both may."""
    roles.change(
        "support", ROLES["support"] | {Permission.STAFF_MANAGE, Permission.STAFF_READ}, second_factor=False, actor=TESTS
    )
    support, lead = staff(app, "support"), staff(app, "support_lead")

    lead.post("/admin/see-as/begin", {"role": "view_only", "reason": "Curious"}, expect=403)
    lead.get("/admin/see-as/", expect=403)
    _begin(support, "admin")

    support.get("/admin/audit/", expect=403)
    support.get("/admin/webhooks/", expect=403)
    support.get("/admin/see-as/")
    support.post("/admin/see-as/begin", {"role": "finance", "reason": "One more"}, expect=403)


def test_a_matrix_the_shop_changed_is_the_one_that_is_seen(app: Flask) -> None:
    roles.change("view_only", {Permission.EVENT_READ}, second_factor=False, actor=TESTS)
    admin = staff(app, "admin")

    _begin(admin, "view_only")

    admin.get("/admin/webhooks/")
    admin.get("/admin/charges/", expect=403)


@pytest.mark.parametrize(
    ("role", "reason"),
    [("admin", "My own"), ("owner", "None such"), ("support", ""), ("support", " a "), ("support", "x" * 501)],
)
def test_without_another_role_and_a_reason_nothing_begins(app: Flask, role: str, reason: str) -> None:
    admin = staff(app, "admin")

    admin.post("/admin/see-as/begin", {"role": role, "reason": reason}, expect=400)

    assert "You see this as" not in admin.get("/admin/charges/").words
    assert db.session.scalars(select(AuditLog).where(AuditLog.action.like("staff.seen_as%"))).all() == []


def test_it_ends_after_half_an_hour_and_what_is_sent_then_does_nothing(app: Flask) -> None:
    admin, start = staff(app, "admin"), clock.now()
    with time_machine.travel(start, tick=False) as time:
        _begin(admin, "support")
        for minute in (10, 20, 29):
            time.move_to(start + timedelta(minutes=minute))
            admin.get("/admin/webhooks/", expect=403)
        sessions = admin.get("/admin/sessions/")

        time.move_to(start + timedelta(minutes=30))
        page = admin.post("/admin/sessions/end", {"session": "x"}, expect=403)

        assert sessions.token
        assert "is up. Nothing was changed" in page.words
        assert "You see this as" not in admin.get("/admin/webhooks/").words
    ended = db.session.scalars(select(AuditLog).where(AuditLog.action == "staff.seen_as_ended")).one()
    assert (ended.actor, ended.after) == (admin.email, {"role": "Support", "why": "time was up"})


def test_looking_on_after_half_an_hour_says_so_once(app: Flask) -> None:
    admin, start = staff(app, "admin"), clock.now()
    with time_machine.travel(start, tick=False) as time:
        _begin(admin, "support")
        time.move_to(start + timedelta(minutes=29))
        admin.get("/admin/sessions/")
        time.move_to(start + timedelta(minutes=31))

        first, second = admin.get("/admin/audit/"), admin.get("/admin/audit/")

    assert "You are yourself again: the time to see this as Support is up." in first.words
    assert "You are yourself again" not in second.words


def test_a_form_from_before_or_from_within_does_not_work_in_the_other_world(app: Flask) -> None:
    admin = staff(app, "admin")
    before = admin.get("/admin/sessions/").token
    _begin(admin, "support")
    within = admin.get("/admin/sessions/").token
    admin.post("/admin/see-as/stop")
    after = admin.get("/admin/sessions/").token

    assert len({before, within, after}) == 3
    for old in (before, within):
        answer = admin.client.post("/admin/sessions/end", data={"csrf_token": old, "session": "x"})
        assert answer.status_code == 400


def test_another_browser_of_the_same_person_is_not_concerned_and_the_session_s_end_ends_it(app: Flask) -> None:
    admin = staff(app, "admin")
    other = Desk(app, admin.email)
    other.sign_in()
    _begin(admin, "view_only")

    assert "You see this as" not in other.get("/admin/audit/").words
    admin.post("/logout")
    admin.sign_in()
    assert "You see this as" not in admin.get("/admin/audit/").words


def test_of_two_who_begin_at_once_in_one_session_one_does(committed: Flask) -> None:
    operations.add_staff("ana@shop.example", role="admin", password="four unrelated words", actor=TESTS)
    ana, now = db.session.scalars(select(Staff)).one().id, clock.now()
    db.session.add(
        StaffSession(
            id=b"x" * 32,
            staff_id=ana,
            created_at=now,
            last_seen_at=now,
            proved_at=now,
            expires_at=now + timedelta(hours=1),
        )
    )
    db.session.commit()
    gate, outcomes = threading.Barrier(4), []

    def begin(role: str) -> None:
        with committed.app_context():
            gate.wait()
            try:
                seeing.begin(b"x" * 32, role=role, reason="At once", actor=TESTS)
                outcomes.append("begun")
            except Conflict:
                outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=begin, args=(role,)) for role in ("support", "finance", "auditor", "developer")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["begun", "refused", "refused", "refused"]
    begun = select(AuditLog).where(AuditLog.action == "staff.seen_as_begun")
    assert len(db.session.scalars(begun).all()) == 1
