"""Coming in, staying in, going out."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.database import db
from app.models.audit_log import AuditLog
from app.models.staff import Staff, StaffSession
from app.staff import operations
from app.web.tokens import ABSOLUTE, IDLE
from tests import factories
from tests.desk import PASSWORD, Desk, staff, visitor
from tests.servers import fresh_database
from tests.world import live_settings

COOKIE = "counterfoil_session"


def _cookie(desk: Desk, name: str = COOKIE) -> str | None:
    found = desk.client.get_cookie(name)
    return found.value if found else None


def _actions() -> list[str]:
    return list(db.session.execute(select(AuditLog.action).order_by(AuditLog.id)).scalars())


def test_a_person_signs_in_with_address_and_password_and_is_where_they_wanted_to_be(app: Flask) -> None:
    operations.add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=Actor.command("tests"))
    ana = Desk(app, "  ANA@shop.example ")
    sent_to = ana.get("/admin/audit/?size=25", expect=303).location

    ana.get(sent_to or "")
    arrived = ana.post("/login", {"email": ana.email, "password": PASSWORD, "next": "/admin/audit/?size=25"})

    assert sent_to == "/login?next=/admin/audit/?size%3D25"
    assert arrived.location == "/admin/audit/?size=25"
    assert _actions() == ["staff.added", "staff.signed_in"]
    entry = db.session.execute(select(AuditLog).where(AuditLog.action == "staff.signed_in")).scalar_one()
    assert (entry.actor_kind, entry.actor, entry.ip) == ("staff", "ana@shop.example", "127.0.0.1")
    assert entry.request_id == arrived.answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "wrong", ["", "wrong", "four unrelated word", PASSWORD + " ", "x" * 100_000, "\0", "пароль \U0001f600"]
)
def test_a_wrong_password_and_an_unknown_address_read_the_same(app: Flask, wrong: str) -> None:
    operations.add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=Actor.command("tests"))

    known = Desk(app, "ana@shop.example").sign_in(wrong, expect=401)
    unknown = Desk(app, "who@shop.example").sign_in(wrong, expect=401)

    assert "The e-mail address or the password is wrong." in known.words
    assert _sameness(known.html, "ana@shop.example") == _sameness(unknown.html, "who@shop.example")
    assert db.session.execute(select(StaffSession)).unique().all() == []


def _sameness(html: str, email: str) -> str:
    """The page without what differs by nature: the address typed, tokens and nonces."""
    return re.sub(r'(nonce|value)="[^"]*"', "", html.replace(email, ""))


def test_whose_access_has_ended_cannot_come_in(app: Flask) -> None:
    staff(app, "admin")
    ben = operations.add_staff("ben@shop.example", role="support", password=PASSWORD, actor=Actor.command("tests"))
    operations.deactivate(ben, actor=Actor.command("tests"))

    page = Desk(app, "ben@shop.example").sign_in(expect=401)

    assert "The e-mail address or the password is wrong." in page.words


def test_signing_in_begins_a_new_session_and_ends_the_one_the_browser_had(app: Flask) -> None:
    ana = staff(app, "admin")
    first, form_cookie = _cookie(ana), _cookie(ana, "counterfoil_form")
    token = ana.token
    ana.client.set_cookie("unrelated", "kept")

    ana.post("/login", {"email": ana.email, "password": PASSWORD})

    assert _cookie(ana) not in {None, first}
    assert _cookie(ana, "counterfoil_form") != form_cookie
    assert ana.get("/login/again").token != token
    thief = visitor(app)
    thief.client.set_cookie(COOKIE, first or "")
    assert thief.get("/admin/audit/", expect=303).location == "/login?next=/admin/audit/"


def test_a_planted_cookie_is_not_adopted(app: Flask) -> None:
    operations.add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=Actor.command("tests"))
    ana = Desk(app, "ana@shop.example")
    ana.client.set_cookie(COOKIE, "chosen-by-somebody-else")

    ana.sign_in()

    assert _cookie(ana) != "chosen-by-somebody-else"
    thief = visitor(app)
    thief.client.set_cookie(COOKIE, "chosen-by-somebody-else")
    thief.get("/admin/audit/", expect=303)


def test_a_cookie_replayed_after_signing_out_is_worthless(app: Flask) -> None:
    ana = staff(app, "admin")
    copy = _cookie(ana) or ""

    ana.post("/logout")

    assert _cookie(ana) is None
    thief = visitor(app)
    thief.client.set_cookie(COOKIE, copy)
    thief.get("/admin/audit/", expect=303)
    assert _actions()[-1] == "staff.signed_out"


def test_the_database_does_not_hold_what_the_browser_holds(app: Flask) -> None:
    ana = staff(app, "admin")

    [session] = db.session.execute(select(StaffSession)).unique().scalars()

    assert (_cookie(ana) or "").encode() not in session.id
    assert len(session.id) == 32


@pytest.mark.parametrize("flag", ["HttpOnly", "SameSite=Lax", "Path=/"])
def test_cookies_are_out_of_reach_of_scripts_and_other_sites(app: Flask, flag: str) -> None:
    operations.add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=Actor.command("tests"))
    ana = Desk(app, "ana@shop.example")

    before = ana.get("/login").answer.headers.getlist("Set-Cookie")
    after = ana.post("/login", {"email": ana.email, "password": PASSWORD}).answer.headers.getlist("Set-Cookie")

    assert len(before) == 1
    assert [flag in cookie for cookie in [*before, *after]] == [True] * (1 + len(after))


def test_over_https_cookies_are_secure_and_bound_to_the_host(instance_dir: Path) -> None:
    from app.factory import create_app

    app = create_app(live_settings(fresh_database(), instance_dir))
    client: FlaskClient = app.test_client()

    answer = client.get("/login", base_url="https://desk.example.com")

    [cookie] = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-counterfoil_form=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=15552000"


def test_a_session_nobody_uses_ends_after_half_an_hour(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app, "admin")
        travel.shift(IDLE - timedelta(seconds=1))
        ana.get("/admin/audit/")
        travel.shift(IDLE - timedelta(seconds=1))
        ana.get("/admin/audit/")
        travel.shift(IDLE)

        assert ana.get("/admin/audit/", expect=303).location == "/login?next=/admin/audit/"


def test_a_page_that_asks_by_itself_keeps_no_session_alive(app: Flask) -> None:
    refund = factories.refund(factories.charge())
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        for _ in range(14):
            travel.shift(timedelta(minutes=2))
            assert ana.get(f"/admin/refunds/{refund.id}/state").answer.json == {"state": "succeeded"}
        travel.shift(timedelta(minutes=3))

        ana.get(f"/admin/refunds/{refund.id}/state", expect=303)


def test_a_session_ends_after_twelve_hours_however_busy(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app, "admin")
        for _ in range(47):
            travel.shift(timedelta(minutes=15))
            ana.get("/admin/audit/")
        travel.shift(timedelta(minutes=15))

        assert timedelta(minutes=15) * 48 == ABSOLUTE
        ana.get("/admin/audit/", expect=303)


def test_ending_somebodys_access_ends_their_sessions_at_once(app: Flask) -> None:
    ana, ben = staff(app, "admin"), staff(app, "developer")
    ben.get("/admin/webhooks/")
    ben_id = db.session.execute(select(Staff.id).where(Staff.email == ben.email)).scalar_one()

    ana.post(f"/admin/staff/{ben_id}/deactivate")

    ben.get("/admin/webhooks/", expect=303)


def test_a_new_role_holds_from_the_next_request_on(app: Flask) -> None:
    ana, ben = staff(app, "admin"), staff(app, "developer")
    ben.get("/admin/webhooks/")
    ben_id = db.session.execute(select(Staff.id).where(Staff.email == ben.email)).scalar_one()

    ana.post(f"/admin/staff/{ben_id}/role", {"role": "view_only"})

    ben.get("/admin/webhooks/", expect=403)


def test_an_act_after_the_session_ended_changes_nothing_and_says_so(app: Flask) -> None:
    ana, ben = staff(app, "admin"), staff(app, "developer")
    ben_id = db.session.execute(select(Staff.id).where(Staff.email == ben.email)).scalar_one()
    db.session.rollback()
    with time_machine.travel(clock.now() + IDLE + timedelta(minutes=1), tick=False):
        page = ana.post(
            f"/admin/staff/{ben_id}/deactivate", headers={"Referer": f"http://localhost/admin/staff/{ben_id}"}
        )

    assert page.location == f"/login?next=/admin/staff/{ben_id}"
    assert db.session.get_one(Staff, ben_id).is_active


@pytest.mark.parametrize(
    ("referer", "place"),
    [
        ("http://localhost/admin/refunds/new?charge=ch_1", "/login?next=/admin/refunds/new?charge%3Dch_1"),
        ("http://[::1", "/login"),
        ("http://localhost//evil.example/", "/login"),
        ("javascript:alert(1)", "/login"),
        ("", "/login"),
    ],
)
def test_after_an_act_without_a_session_one_returns_to_the_form_whatever_the_browser_says(
    app: Flask, referer: str, place: str
) -> None:
    nobody = visitor(app)
    nobody.get("/login")

    assert nobody.post("/admin/refunds/new", headers={"Referer": referer}).location == place


def test_one_sees_and_ends_ones_other_sessions(app: Flask) -> None:
    here = staff(app, "developer")
    there = Desk(app, here.email)
    there.sign_in()
    stranger = staff(app, "developer")

    page = here.get("/admin/sessions/")
    [named] = [form["session"] for form in page.forms if "session" in form]
    stranger.post("/admin/sessions/end", {"session": named})
    there.get("/admin/webhooks/")
    here.post("/admin/sessions/end", {"session": named})

    there.get("/admin/webhooks/", expect=303)
    here.get("/admin/webhooks/")
    assert _actions().count("staff.session_ended") == 1


def test_what_matters_asks_for_the_password_again_after_ten_minutes(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana, ben = staff(app, "admin"), staff(app, "developer")
        ben_id = db.session.execute(select(Staff.id).where(Staff.email == ben.email)).scalar_one()
        travel.shift(timedelta(minutes=11))
        ana.get("/admin/audit/")

        asked = ana.post(f"/admin/staff/{ben_id}/deactivate")
        assert asked.location == f"/login/again?next=/admin/staff/{ben_id}"
        assert db.session.get_one(Staff, ben_id).is_active
        ana.post("/login/again", {"password": "wrong", "next": f"/admin/staff/{ben_id}"}, expect=401)
        proved = ana.post("/login/again", {"password": PASSWORD, "next": f"/admin/staff/{ben_id}"})
        ana.post(f"/admin/staff/{ben_id}/deactivate")

    assert proved.location == f"/admin/staff/{ben_id}"
    assert not db.session.get_one(Staff, ben_id).is_active


def test_an_old_hash_is_renewed_when_its_owner_signs_in(app: Flask) -> None:
    from argon2 import PasswordHasher

    ana = staff(app, "admin")
    person = db.session.execute(select(Staff)).scalar_one()
    person.password_hash = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    db.session.commit()

    ana.post("/login", {"email": ana.email, "password": PASSWORD})

    assert "m=19456,t=2,p=1" in db.session.execute(select(Staff.password_hash)).scalar_one()
