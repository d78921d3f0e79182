"""Passkeys: a second factor, a proof, and a way in by themselves; and what is not believed."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.models.audit_log import AuditLog
from app.models.mail import Mail
from app.models.role_policy import RolePolicy
from app.models.second_factor import Passkey
from app.models.sign_in_step import SignInStep
from app.models.staff import Staff, StaffSession
from app.staff import operations
from app.staff.factors import operations as factors
from app.staff.passkeys.ceremonies import Site
from app.web.tokens import PROOF
from tests import factories
from tests.desk import Desk, Page, staff, visitor
from tests.phone import enrol
from tests.staff.authenticator import SecurityKey, add, b64, codes_of, question, raw

ALONE = ("/login/passkey/question", "/login/passkey")
SECOND = ("/login/passkey/second/question", "/login/passkey/second")
AGAIN = ("/login/passkey/again/question", "/login/passkey/again")


def test_the_first_passkey_comes_with_ten_codes_and_is_written_down_and_told(app: Flask) -> None:
    factories.account()
    ana = staff(app)
    key = SecurityKey()

    page = add(ana, key, "  Work laptop ", expect=200)

    assert len(set(codes_of(page))) == 10
    [passkey] = db.session.scalars(select(Passkey))
    assert (passkey.id, passkey.name, passkey.transports, passkey.sign_count) == (key.id, "Work laptop", ["usb"], 0)
    assert _last().action == "factor.added"
    assert _last().after == {"factor": "the passkey “Work laptop”"}
    [mail] = db.session.scalars(select(Mail))
    assert (mail.recipient, mail.subject) == (ana.email, "Your sign-in to Counterfoil was changed")
    assert "the passkey “Work laptop” was added to your sign-in." in mail.text
    assert "Work laptop" in ana.get("/admin/second-factor/").html


def test_a_passkey_is_the_second_half_of_a_sign_in(app: Flask) -> None:
    ana, key = _with_passkey(app)

    half = ana.sign_in_halfway()
    ana.get("/admin/charges/", expect=303)
    whole = _use(ana, key, SECOND, next="/admin/charges/")

    assert half.location == "/login/code"
    assert whole.location == "/admin/charges/"
    ana.get("/admin/charges/")
    assert _last().after == {"with": ["a password", "a passkey"]}
    assert db.session.scalar(select(Passkey.sign_count)) == 1


def test_a_passkey_that_asks_for_a_pin_lets_in_by_itself(app: Flask) -> None:
    ana, key = _with_passkey(app)

    came = _use(ana, key, ALONE)

    assert came.location == "/admin/"
    ana.get("/admin/charges/")
    assert _last().action == "staff.signed_in"
    assert _last().after == {"with": ["a passkey"]}


def test_without_a_pin_a_passkey_is_a_second_factor_only(app: Flask) -> None:
    ana, key = _with_passkey(app)
    key.verifies = False

    refused = _use(ana, key, ALONE, expect=401)
    assert "The passkey's answer does not fit." in refused.words.replace("’", "'")
    ana.get("/admin/charges/", expect=303)
    assert _last().action == "staff.passkey_failed"

    ana.sign_in_halfway()
    _use(ana, key, SECOND)
    ana.get("/admin/charges/")


def test_a_passkey_proves_again_who_one_is(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana, key = _with_passkey(app, signed_in=True)
        travel.shift(PROOF)
        assert "/login/again" in (ana.post("/admin/passkeys/begin").location or "")
        ana.get("/login/again")

        _use(ana, key, AGAIN, next="/admin/second-factor/")

        assert ana.post("/admin/passkeys/begin").location == "/admin/passkeys/"
        assert _last().after == {"with": "a passkey"}


def test_making_one_asks_first_who_one_is(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        ana.get("/admin/passkeys/")
        travel.shift(PROOF)

        told = question(ana, "/admin/passkeys/question", expect=403)

        assert told["to"] == "/login/again?next=/admin/passkeys/"
        assert _count(SignInStep) == 0


@pytest.mark.parametrize("way", [ALONE, SECOND, AGAIN], ids=["alone", "second", "again"])
def test_an_answer_is_good_once(app: Flask, way: tuple[str, str]) -> None:
    """Whoever recorded it, with the cookie, in the same browser."""
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana, key = _with_passkey(app, signed_in=way == AGAIN)
        ana.get("/login/again" if way == AGAIN else "/login")
        if way == SECOND:
            ana.sign_in_halfway()
        asked = question(ana, way[0])
        cookie = ana.client.get_cookie("counterfoil_passkey")
        assert cookie
        answer = key.answer(asked)
        ana.post(way[1], {"answer": answer})
        ana.get("/login/again")
        if way != AGAIN:
            ana.post("/logout")
            ana.sign_in_halfway()
        travel.shift(timedelta(minutes=1))
        ana.client.set_cookie("counterfoil_passkey", cookie.value)

        again = ana.post(way[1], {"answer": answer}, expect=401)

        assert "used already" in again.words


@pytest.mark.parametrize("way", [ALONE, SECOND, AGAIN], ids=["alone", "second", "again"])
@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:4243"},
        {"origin": "http://counterfoil.localhost:4242"},
        {"rp_id": "evil.example"},
    ],
    ids=str,
)
def test_an_answer_meant_for_another_site_is_not_believed(
    app: Flask, way: tuple[str, str], lie: dict[str, str]
) -> None:
    ana, key = _with_passkey(app, signed_in=way == AGAIN)
    if way == SECOND:
        ana.sign_in_halfway()
    proofs = _proofs()

    _use(ana, key, way, expect=401, lie=lambda asked: key.answer(asked, **lie))

    assert _last().action == "staff.passkey_failed"
    assert _proofs() == proofs


def _other_challenge(asked: dict[str, Any]) -> dict[str, Any]:
    return asked | {"challenge": b64(b"x" * 32)}


@pytest.mark.parametrize("way", [ALONE, SECOND, AGAIN], ids=["alone", "second", "again"])
def test_an_answer_to_another_question_is_not_believed(app: Flask, way: tuple[str, str]) -> None:
    ana, key = _with_passkey(app, signed_in=way == AGAIN)
    if way == SECOND:
        ana.sign_in_halfway()
    proofs = _proofs()

    _use(ana, key, way, expect=401, lie=lambda asked: key.answer(_other_challenge(asked)))

    assert _proofs() == proofs


@pytest.mark.parametrize("way", [SECOND, AGAIN], ids=["second", "again"])
def test_somebody_elses_passkey_is_no_factor_of_mine(app: Flask, way: tuple[str, str]) -> None:
    _, other = _with_passkey(app)
    ana, _ = _with_passkey(app, signed_in=way == AGAIN)
    if way == SECOND:
        ana.sign_in_halfway()
    proofs = _proofs()

    refused = _use(ana, other, way, expect=401)

    assert "belongs to somebody else" in refused.words
    assert _proofs() == proofs


def test_a_passkey_cannot_say_to_be_somebody_else(app: Flask) -> None:
    """The key pair is Bob's, the name on it Ana's."""
    bob, key = _with_passkey(app)
    _, victim = _with_passkey(app)
    key.handle = victim.handle

    _use(bob, key, ALONE, expect=401)

    bob.get("/admin/charges/", expect=303)


def test_a_passkey_that_is_registered_under_somebody_elses_id_stays_theirs(app: Flask) -> None:
    ana, key = _with_passkey(app)
    bob = staff(app)
    copy = SecurityKey(id=key.id)

    refused = add(bob, copy, "Mine", expect=409)

    assert "This passkey is here already." in refused.words
    assert _count(Passkey) == 1
    _use(ana, key, ALONE)


@pytest.mark.parametrize("way", [ALONE, SECOND, AGAIN], ids=["alone", "second", "again"])
def test_a_question_waits_ten_minutes(app: Flask, way: tuple[str, str]) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana, key = _with_passkey(app, signed_in=way == AGAIN)
        if way == SECOND:
            ana.sign_in_halfway()
        asked = question(ana, way[0]) if way == AGAIN else _asked(ana, way[0])
        travel.shift(timedelta(minutes=10))
        proofs = _proofs()

        ana.post(way[1], {"answer": key.answer(asked)}, expect=401 if way != SECOND else None)

        assert _proofs() == proofs


def test_a_question_belongs_to_the_browser_that_asked_it(app: Flask) -> None:
    ana, key = _with_passkey(app)
    asked = _asked(ana, ALONE[0])
    thief = visitor(app)
    thief.get("/login")

    thief.post(ALONE[1], {"answer": key.answer(asked)}, expect=401)

    thief.get("/admin/charges/", expect=303)


def test_a_question_belongs_to_what_it_was_asked_for(app: Flask) -> None:
    """What was asked to prove something again does not sign in, and the other way round; nor does it in another session."""
    ana, key = _with_passkey(app, signed_in=True)
    ana.get("/login/again")
    asked = question(ana, AGAIN[0])
    ana.post(ALONE[1], {"answer": key.answer(asked)}, expect=401)
    asked = question(ana, ALONE[0])
    ana.post(AGAIN[1], {"answer": key.answer(asked)}, expect=401)
    asked = question(ana, ALONE[0])
    ana.post("/admin/passkeys/add", {"answer": key.answer(asked), "name": "x"}, expect=401)

    asked = question(ana, AGAIN[0])
    cookie = ana.client.get_cookie("counterfoil_passkey")
    other = Desk(app, ana.email)
    other.sign_in_halfway()
    _use(other, key, SECOND)
    other.get("/login/again")
    other.client.set_cookie("counterfoil_passkey", cookie.value if cookie else "")
    other.post(AGAIN[1], {"answer": key.answer(asked)}, expect=401)


def test_a_counter_that_runs_back_is_a_copy_and_its_owner_hears_of_it(app: Flask) -> None:
    factories.account()
    ana, key = _with_passkey(app)
    _use(ana, key, ALONE)
    ana.post("/logout")
    key.counter = 0

    refused = _use(ana, key, ALONE, expect=401)

    assert "seems to have been copied" in refused.words
    assert _last().action == "factor.copied"
    ana.get("/admin/charges/", expect=303)
    assert db.session.scalars(select(Mail.subject).order_by(Mail.queued_at.desc())).first() == (
        "A passkey of yours was refused"
    )
    # The real one, which was used once more than what we saw last, still works.
    key.counter = 1
    _use(ana, key, ALONE)


def test_passkeys_that_count_nothing_work_every_time(app: Flask) -> None:
    ana, key = _with_passkey(app)
    key.counts = False

    for _ in range(2):
        _use(ana, key, ALONE)
        ana.post("/logout")

    assert db.session.scalar(select(Passkey.sign_count)) == 0


def test_a_removed_passkey_opens_nothing(app: Flask) -> None:
    factories.account()
    ana, key = _with_passkey(app, signed_in=True)
    bob = Desk(app, ana.email)
    asked = _asked(bob, ALONE[0])

    ana.post("/admin/passkeys/remove", {"passkey": key.id.hex()})

    bob.post(ALONE[1], {"answer": key.answer(asked)}, expect=401)
    bob.get("/admin/charges/", expect=303)
    assert "factor.removed" in _actions()
    assert "was removed from your sign-in." in _mails()[-1]


def test_nobody_touches_somebody_elses_passkey(app: Flask) -> None:
    _, key = _with_passkey(app)
    bob = staff(app)
    bob.get("/admin/passkeys/")

    bob.post("/admin/passkeys/remove", {"passkey": key.id.hex()})
    bob.post("/admin/passkeys/rename", {"passkey": key.id.hex(), "name": "Bob's"})
    bob.post("/admin/passkeys/rename", {"passkey": "no hex", "name": "Bob's"}, expect=303)

    assert db.session.scalar(select(Passkey.name)) == "Laptop"


def test_a_passkey_gets_another_name(app: Flask) -> None:
    ana, key = _with_passkey(app, signed_in=True)

    ana.post("/admin/passkeys/rename", {"passkey": key.id.hex(), "name": "Blue key"})

    assert db.session.scalar(select(Passkey.name)) == "Blue key"
    assert (_last().action, _last().before, _last().after) == (
        "factor.renamed",
        {"factor": "Laptop"},
        {"factor": "Blue key"},
    )


def test_a_role_that_needs_a_factor_has_one_with_a_passkey_and_keeps_it(app: Flask) -> None:
    ana = staff(app)
    with transaction():
        db.session.add(RolePolicy(role="support", second_factor=True, changed_at=clock.now()))
    assert ana.get("/admin/charges/", expect=303).location == "/admin/second-factor/"
    key = SecurityKey()

    add(ana, key, expect=200)
    ana.get("/admin/charges/")
    ana.post("/admin/passkeys/remove", {"passkey": key.id.hex()})

    assert "this is your last one" in ana.get("/admin/second-factor/").words
    assert _count(Passkey) == 1


def test_a_second_passkey_makes_no_new_codes_and_does_not_replace_the_first(app: Flask) -> None:
    ana, first = _with_passkey(app, signed_in=True)
    second = SecurityKey()

    page = add(ana, second, "Phone", expect=303)

    assert page.location == "/admin/second-factor/"
    asked = question(ana, "/admin/passkeys/question")
    assert {raw(one["id"]) for one in asked["excludeCredentials"]} == {first.id, second.id}


def test_who_has_an_app_and_a_passkey_may_use_either(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        ana = staff(app)
        phone, _ = enrol(ana)
        key = SecurityKey()
        add(ana, key, expect=303)
        travel.shift(timedelta(minutes=1))

        ana.post("/logout")
        ana.sign_in_halfway()
        ana.post("/login/code", {"code": phone.code()})
        ana.get("/admin/charges/")
        ana.post("/logout")
        ana.sign_in_halfway()
        _use(ana, key, SECOND)
        ana.get("/admin/charges/")


def test_whose_access_ended_has_a_passkey_that_opens_nothing(app: Flask) -> None:
    ana, key = _with_passkey(app)
    person = db.session.scalars(select(Staff).where(Staff.email == ana.email)).one()
    operations.add_staff("boss@shop.example", role="admin", password="four unrelated words", actor=Actor.command("t"))
    operations.deactivate(person.id, actor=Actor.command("tests"))

    _use(ana, key, ALONE, expect=401)

    ana.get("/admin/charges/", expect=303)


def test_removing_every_factor_removes_passkeys(app: Flask) -> None:
    ana, key = _with_passkey(app, signed_in=True)
    person = db.session.scalars(select(Staff).where(Staff.email == ana.email)).one()

    factors.remove_all(person.id, actor=Actor.command("tests"))

    assert _count(Passkey) == 0
    assert ana.get("/admin/charges/", expect=303).location == "/login?next=/admin/charges/"
    _use(ana, key, ALONE, expect=401)


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", "x" * 30_000, '{"id":"","rawId":"","type":"public-key"}', "\0"]
)
def test_nonsense_is_no_answer(app: Flask, answer: str) -> None:
    ana, _ = _with_passkey(app, signed_in=True)
    ana.get("/login/again")
    question(ana, AGAIN[0])
    ana.post(AGAIN[1], {"answer": answer}, expect=401)
    question(ana, ALONE[0])
    ana.post(ALONE[1], {"answer": answer}, expect=401)
    question(ana, "/admin/passkeys/question")
    ana.post("/admin/passkeys/add", {"answer": answer, "name": "x"}, expect=401)


def test_a_passkey_made_for_another_site_or_question_is_not_kept(app: Flask) -> None:
    ana = staff(app)
    ana.get("/admin/passkeys/")
    for lie in ({"origin": "https://evil.example"}, {"rp_id": "evil.example"}):
        made = SecurityKey().make(question(ana, "/admin/passkeys/question"), **lie)
        ana.post("/admin/passkeys/add", {"answer": made, "name": "x"}, expect=401)
    made = SecurityKey().make(_other_challenge(question(ana, "/admin/passkeys/question")))
    ana.post("/admin/passkeys/add", {"answer": made, "name": "x"}, expect=401)

    assert _count(Passkey) == 0


@pytest.mark.parametrize(
    ("domain", "rp_id", "origin"),
    [
        ("https://Pay.Example.com", "pay.example.com", "https://pay.example.com"),
        ("https://pay.example.com:443", "pay.example.com", "https://pay.example.com"),
        ("https://pay.example.com:8443", "pay.example.com", "https://pay.example.com:8443"),
        ("http://localhost:4242", "localhost", "http://localhost:4242"),
    ],
)
def test_passkeys_belong_to_the_address_of_the_program(domain: str, rp_id: str, origin: str) -> None:
    assert Site.of(domain) == Site(rp_id, origin)


@pytest.mark.parametrize(
    "domain", ["http://pay.example.com", "http://127.0.0.1:4242", "https://192.0.2.1", "https://[::1]"]
)
def test_where_browsers_know_no_passkeys_none_are_offered(domain: str) -> None:
    assert Site.of(domain) is None


def test_the_question_says_what_the_device_has_to_do(app: Flask) -> None:
    ana, key = _with_passkey(app)
    alone = _asked(ana, ALONE[0])
    ana.sign_in_halfway()
    second = question(ana, SECOND[0])

    assert (alone["userVerification"], alone["allowCredentials"]) == ("required", [])
    assert [urlsafe_b64decode(one["id"] + "==") for one in second["allowCredentials"]] == [key.id]
    assert len(raw(alone["challenge"])) == 32
    assert json.dumps(alone).count(ana.email) == 0


def _with_passkey(app: Flask, *, signed_in: bool = False) -> tuple[Desk, SecurityKey]:
    ana, key = staff(app), SecurityKey()
    add(ana, key, expect=200)
    if not signed_in:
        ana.post("/logout")
    return ana, key


def _asked(desk: Desk, path: str) -> dict[str, Any]:
    desk.get("/login/code" if path == SECOND[0] else "/login")
    return question(desk, path)


def _use(
    desk: Desk,
    key: SecurityKey,
    way: tuple[str, str],
    *,
    expect: int = 303,
    lie: Callable[[dict[str, Any]], str] | None = None,
    **form: str,
) -> Page:
    asked = question(desk, way[0]) if way == AGAIN else _asked(desk, way[0])
    page = desk.post(way[1], {"answer": (lie or key.answer)(asked), **form}, expect=expect)
    if expect == 303:
        desk.get("/login/again")
    return page


def _proofs() -> list[tuple[object, object]]:
    """What every session says about when somebody proved who they are."""
    sessions = select(StaffSession.id, StaffSession.proved_at).order_by(StaffSession.id)
    return [tuple(row) for row in db.session.execute(sessions)]


def _count(table: type) -> int:
    return db.session.query(table).count()


def _mails() -> list[str]:
    return list(db.session.scalars(select(Mail.text).order_by(Mail.queued_at)))


def _actions() -> list[str]:
    return list(db.session.scalars(select(AuditLog.action).order_by(AuditLog.id)))


def _last() -> AuditLog:
    return db.session.scalars(select(AuditLog).order_by(AuditLog.id.desc())).first()  # type: ignore[return-value]
