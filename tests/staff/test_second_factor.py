"""A code of an authenticator app beside the password, and codes for the day it is lost."""

import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.database import db, transaction
from app.models.audit_log import AuditLog
from app.models.refund import Refund
from app.models.role_policy import RolePolicy
from app.models.second_factor import Authenticator, RecoveryCode
from app.models.staff import Staff, StaffSession
from app.staff.factors import operations, totp
from app.web.sealing import BrokenSeal, Seal
from app.web.tokens import PROOF
from tests import factories
from tests.desk import PASSWORD, Desk, Page, staff
from tests.phone import Phone, enrol

# RFC 6238, appendix B, for SHA-1; of its eight digits our codes are the last six.
RFC_SECRET = b"12345678901234567890"
RFC_CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES.items())
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    with time_machine.travel(seconds, tick=False):
        assert totp.step_of(RFC_SECRET, code) == seconds // 30


@pytest.mark.parametrize(("off_by", "good"), [(-61, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_wrong_by_one_code(off_by: int, good: bool) -> None:
    at = 1_800_000_000
    code = totp.code_at(RFC_SECRET, (at + off_by) // 30).decode()

    with time_machine.travel(at, tick=False):
        assert (totp.step_of(RFC_SECRET, code) is not None) == good


def test_setting_up_shows_a_code_to_scan_and_then_ten_codes_once(app: Flask) -> None:
    ana = staff(app)
    ana.post("/admin/second-factor/authenticator/begin")
    page = ana.get("/admin/second-factor/authenticator")
    phone = Phone.reading(page)

    wrong = ana.post("/admin/second-factor/authenticator/confirm", {"code": "000000"}, expect=422)
    done = ana.post("/admin/second-factor/authenticator/confirm", {"code": phone.code()}, expect=200)

    assert 'src="data:image/svg+xml' in page.html
    assert "This code is wrong." in wrong.words
    codes = _codes(done)
    assert len(set(codes)) == 10
    assert db.session.query(RecoveryCode).count() == 10
    assert not any(code in ana.get("/admin/second-factor/").html for code in codes)
    assert _actions()[-2:] == ["factor.begun", "factor.added"]


def test_signing_in_asks_for_a_code_and_nothing_is_open_before(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        phone, _ = enrol(ana)
        ana.post("/logout")
        travel.shift(timedelta(seconds=30))

        half = ana.sign_in_halfway(next="/admin/charges/")
        ana.get("/admin/charges/", expect=303)
        wrong = ana.post("/login/code", {"code": "123456"}, expect=422)
        whole = ana.post("/login/code", {"code": phone.code(), "next": "/admin/charges/"})

        assert half.location == "/login/code?next=/admin/charges/"
        assert "This code is wrong, or it was used before." in wrong.words
        assert whole.location == "/admin/charges/"
        ana.get("/admin/charges/")
        assert _actions()[-2:] == ["staff.code_failed", "staff.signed_in"]
        assert _last().after == {"with": ["a password", "an authenticator app"]}


def test_a_code_works_once_also_in_another_browser(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        phone, _ = enrol(ana)
        travel.shift(timedelta(seconds=30))
        seen = phone.code()
        first, second = Desk(app, ana.email), Desk(app, ana.email)
        first.sign_in_halfway()
        second.sign_in_halfway()

        first.post("/login/code", {"code": seen})
        second.post("/login/code", {"code": seen}, expect=422)
        # The code before it is still within the drift, but older than what was used.
        second.post("/login/code", {"code": phone.code(steps=-1)}, expect=422)

        second.get("/admin/charges/", expect=303)


def test_a_finished_sign_in_cannot_be_finished_again(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        phone, _ = enrol(ana)
        travel.shift(timedelta(seconds=30))
        desk = Desk(app, ana.email)
        desk.sign_in_halfway()
        copy = desk.client.get_cookie("counterfoil_step")
        desk.post("/login/code", {"code": phone.code()})
        travel.shift(timedelta(seconds=30))

        thief = Desk(app, ana.email)
        thief.get("/login")
        thief.client.set_cookie("counterfoil_step", copy.value if copy else "")

        assert thief.post("/login/code", {"code": phone.code()}).location == "/login"


def test_the_second_half_waits_ten_minutes(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        phone, _ = enrol(ana)
        desk = Desk(app, ana.email)
        desk.sign_in_halfway()
        travel.shift(timedelta(minutes=10))

        assert desk.post("/login/code", {"code": phone.code()}).location == "/login"


def test_guessing_codes_is_as_slow_as_guessing_passwords(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        phone, _ = enrol(ana)
        travel.shift(timedelta(seconds=30))
        desk = Desk(app, ana.email)
        desk.sign_in_halfway()
        for _ in range(5):
            desk.post("/login/code", {"code": "000000"}, expect=422)

        locked = desk.post("/login/code", {"code": phone.code()}, expect=429)

        assert "Too many tries." in locked.words
        travel.shift(timedelta(minutes=15))
        desk.sign_in_halfway()
        desk.post("/login/code", {"code": phone.code()})
        desk.get("/admin/charges/")


def test_a_recovery_code_lets_in_once_however_it_is_typed(app: Flask) -> None:
    ana = staff(app)
    _, codes = enrol(ana)
    desk, again = Desk(app, ana.email), Desk(app, ana.email)
    desk.sign_in_halfway()
    again.sign_in_halfway()

    desk.post("/login/code", {"code": codes[0].upper().replace("-", " ")})
    again.post("/login/code", {"code": codes[0]}, expect=422)

    assert "9 of 10" in desk.get("/admin/second-factor/").words
    assert db.session.query(RecoveryCode).filter(RecoveryCode.used_at.is_not(None)).count() == 1


def test_new_recovery_codes_make_the_old_ones_worthless(app: Flask) -> None:
    ana = staff(app)
    _, old = enrol(ana)
    new = _codes(ana.post("/admin/second-factor/codes", expect=200))
    desk = Desk(app, ana.email)
    desk.sign_in_halfway()

    desk.post("/login/code", {"code": old[0]}, expect=422)
    desk.post("/login/code", {"code": new[0]})

    assert set(old).isdisjoint(new)


def test_the_password_is_no_way_round_the_code_before_a_large_refund(app: Flask) -> None:
    charge = factories.charge(amount=90_000)
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        phone, _ = enrol(ana)
        travel.shift(PROOF)
        refund = {
            "charge": charge.id,
            "promise": str(uuid4()),
            "amount": "800.00",
            "reason": "duplicate",
            "words": "Paid twice.",
        }

        asked = ana.post("/admin/refunds/new", refund)
        page = ana.get("/login/again")
        ana.post("/login/again", {"password": PASSWORD}, expect=422)
        ana.post("/login/again", {"code": phone.code(), "next": "/admin/second-factor/"})

        assert (asked.location or "").startswith("/login/again")
        assert db.session.query(Refund).count() == 0
        assert "Code" in page.words
        assert "Password" not in page.words
        assert _last().after == {"with": "an authenticator app"}
        ana.post("/admin/second-factor/codes", expect=200)


def test_whoever_was_in_with_the_password_alone_is_out_when_a_factor_is_added(app: Flask) -> None:
    ana = staff(app)
    thief = Desk(app, ana.email)
    thief.sign_in()

    enrol(ana)

    ana.get("/admin/charges/")
    thief.get("/admin/charges/", expect=303)


def test_a_role_that_needs_a_second_factor_opens_nothing_without_one(app: Flask) -> None:
    ana = staff(app)
    _enforce("support")

    sent = [ana.get(path, expect=303).location for path in ("/admin/", "/admin/charges/", "/admin/sessions/")]
    ana.post("/admin/sessions/end", {"session": "x"})
    page = ana.get("/admin/second-factor/")
    enrol(ana)
    ana.get("/admin/charges/")
    ana.post("/admin/second-factor/authenticator/remove")

    assert sent == ["/admin/second-factor/"] * 3
    assert "Your role needs a second factor." in page.words
    assert "this is your last one" in ana.get("/admin/second-factor/").words
    assert db.session.query(Authenticator).count() == 1


def test_an_admin_removes_what_somebody_lost(app: Flask) -> None:
    admin, ana = staff(app, "admin"), staff(app)
    enrol(ana)
    staff_id = _id(ana)

    admin.post(f"/admin/staff/{staff_id}/factors")

    ana.get("/admin/charges/", expect=303)
    ana.sign_in()
    ana.get("/admin/charges/")
    assert db.session.query(Authenticator).count() == db.session.query(RecoveryCode).count() == 0


def test_a_copy_of_the_database_holds_neither_secrets_nor_codes(app: Flask) -> None:
    ana = staff(app)
    phone, codes = enrol(ana)

    kept = db.session.execute(select(Authenticator.secret)).scalar_one()
    rows = db.session.execute(text("SELECT code_hash::text FROM recovery_codes")).scalars().all()

    assert phone.secret not in kept
    assert not any(code.replace("-", "").encode().hex() in row for code in codes for row in rows)
    with pytest.raises(BrokenSeal):
        Seal.of("another key").open(kept, owner=_id(ana))


def test_a_secret_copied_to_somebody_elses_row_does_not_open(app: Flask) -> None:
    ana, ben = staff(app), staff(app)
    seal = Seal.of("a key")
    shut = seal.shut(b"secret", owner=_id(ana))

    assert seal.open(shut, owner=_id(ana)) == b"secret"
    with pytest.raises(BrokenSeal):
        seal.open(shut, owner=_id(ben))


@pytest.mark.parametrize("typed", ["", " ", "\0", "١٢٣٤٥٦", "x" * 10_000, "\ud800", "12345", "1234567"])
def test_no_nonsense_is_a_code(app: Flask, typed: str) -> None:
    ana = staff(app)
    enrol(ana)
    with transaction():
        assert operations.accepts(_id(ana), typed, seal=Seal.of(app.extensions["settings"].secret_key)) is None


def test_two_at_once_cannot_use_one_code(app: Flask) -> None:
    ana = staff(app)
    phone, _ = enrol(ana)
    seal = Seal.of(app.extensions["settings"].secret_key)
    code = phone.code(steps=1)

    with transaction():
        answers = [operations.accepts(_id(ana), code, seal=seal) for _ in range(2)]

    assert answers == ["an authenticator app", None]


def test_one_code_from_two_browsers_at_once_lets_one_in(committed: Flask) -> None:
    ana = staff(committed)
    phone, _ = enrol(ana)
    code = phone.code(steps=1)
    browsers = [Desk(committed, ana.email) for _ in range(2)]
    for browser in browsers:
        browser.sign_in_halfway()
    start, answers = threading.Barrier(2), []

    def give(browser: Desk) -> None:
        start.wait()
        sent = {"csrf_token": browser.token, "code": code}
        answers.append(browser.client.post("/login/code", data=sent).status_code)

    threads = [threading.Thread(target=give, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [303, 422]
    db.session.rollback()
    alive = db.session.query(StaffSession).filter(
        StaffSession.second_factor_at.is_not(None), StaffSession.ended_at.is_(None)
    )
    # The one in which the app was set up, and one more.
    assert alive.count() == 2


def _enforce(role: str) -> None:
    with transaction():
        db.session.add(RolePolicy(role=role, second_factor=True, changed_at=clock.now()))


def _codes(page: Page) -> list[str]:
    return re.findall(r"<code>((?:[a-z0-9]{4}-){3}[a-z0-9]{4})</code>", page.html)


def _id(desk: Desk):  # type: ignore[no-untyped-def] # a UUID
    return db.session.execute(select(Staff.id).where(Staff.email == desk.email)).scalar_one()


def _actions() -> list[str]:
    return list(db.session.execute(select(AuditLog.action).order_by(AuditLog.id)).scalars())


def _last() -> AuditLog:
    return db.session.execute(select(AuditLog).order_by(AuditLog.id.desc()).limit(1)).scalar_one()
