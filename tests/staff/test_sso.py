"""Single sign-on against a real identity provider: what is believed, and what is not."""

import re
import time
from collections.abc import Iterator
from html import unescape

import pytest
from flask import Flask
from joserfc.jwk import RSAKey
from sqlalchemy import select

from app.actor import Actor
from app.database import db
from app.models.audit_log import AuditLog
from app.models.staff import Staff, StaffSession
from app.sso_settings import SingleSignOn
from app.staff import operations
from app.staff.sso.provider import Provider
from tests.desk import Desk, staff, visitor
from tests.phone import enrol
from tests.staff.idp import CLIENT, SECRET, IdP, providing

ANA = "ana@shop.example"
ROLES = (("desk-admins", "admin"), ("helpers", "support"))


@pytest.fixture
def idp() -> Iterator[IdP]:
    with providing() as running:
        yield running


@pytest.fixture
def sso(app: Flask, idp: IdP) -> Iterator[IdP]:
    """The application asks this provider; ana is in the group of helpers."""
    idp.claims = {"email": ANA, "name": "Ana Lopez", "groups": ["everybody", "helpers"]}
    _set(app, idp, roles=ROLES, creates=True)
    yield idp
    app.extensions.pop("sso.provider")


def test_somebody_new_is_let_in_as_what_their_group_says(app: Flask, sso: IdP) -> None:
    desk = visitor(app)
    desk.get("/login?next=/admin/charges/")
    away = _away(desk, next="/admin/charges/")

    came = desk.get(sso.sign_in(away), expect=303)

    person = _person()
    assert came.location == "/admin/charges/"
    desk.get("/admin/charges/")
    assert (person.name, person.role, person.password_hash) == ("Ana Lopez", "support", None)
    assert person.sso_subject == f"{sso.issuer}|u1"
    assert _actions() == ["staff.added", "staff.signed_in"]
    assert _last().after == {"with": ["single sign-on"]}


def test_who_is_here_already_is_known_by_address_once_and_by_subject_from_then_on(app: Flask, sso: IdP) -> None:
    _here("view_only")
    _sign_in(app, sso)
    sso.claims |= {"email": "ana.lopez@shop.example"}

    _sign_in(app, sso)

    assert db.session.query(Staff).count() == 1
    assert _person().sso_subject == f"{sso.issuer}|u1"
    assert _actions()[1:] == ["staff.sso_linked", "staff.role_changed", "staff.signed_in", "staff.signed_in"]


def test_an_address_that_changed_hands_opens_nothing(app: Flask, sso: IdP) -> None:
    _sign_in(app, sso)
    sso.claims |= {"sub": "u2"}

    _refused(app, sso, "belongs to somebody else", 403)


@pytest.mark.parametrize(
    ("claims", "words", "status"),
    [
        ({"nonce": "another"}, "cannot be believed", 401),
        ({"nonce": None}, "cannot be believed", 401),
        ({"aud": "another program"}, "cannot be believed", 401),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "cannot be believed", 401),
        ({"iss": "https://login.evil.example"}, "cannot be believed", 401),
        ({"exp": 1_700_000_000}, "cannot be believed", 401),
        ({"iat": 9_999_999_999}, "cannot be believed", 401),
        ({"groups": ["everybody"]}, "None of your groups has a role here", 403),
        ({"groups": None}, "None of your groups has a role here", 403),
        ({"email": None}, "does not say your e-mail address", 403),
        ({"email_verified": False}, "has not checked your e-mail address", 403),
    ],
)
def test_what_cannot_be_believed_lets_nobody_in(
    app: Flask, sso: IdP, claims: dict[str, object], words: str, status: int
) -> None:
    sso.claims |= claims

    _refused(app, sso, words, status)

    assert db.session.query(Staff).count() == 0


def test_a_token_signed_with_another_key_is_worth_nothing(app: Flask, sso: IdP) -> None:
    sso.keys = [sso.key]
    sso.key = RSAKey.generate_key(2048, {"kid": "one"})

    _refused(app, sso, "cannot be believed", 401)


def test_a_key_that_is_new_since_the_last_sign_in_is_asked_for(app: Flask, sso: IdP) -> None:
    _sign_in(app, sso)
    app.extensions["sso.provider"]._keys_at -= 61
    sso.key = RSAKey.generate_key(2048, {"kid": "two"})

    _sign_in(app, sso)

    assert sso.reads == ["/.well-known/openid-configuration", "/keys", "/keys"]


def test_clocks_may_differ_by_a_minute(app: Flask, sso: IdP) -> None:
    sso.claims |= {"exp": int(time.time()) - 30, "iat": int(time.time()) + 30}

    _sign_in(app, sso)

    assert _person().is_active


def test_a_sign_in_counts_once_and_only_in_the_browser_that_began_it(app: Flask, sso: IdP) -> None:
    desk, thief = visitor(app), visitor(app)
    desk.get("/login")
    back = sso.sign_in(_away(desk))
    thief.get("/login")
    stolen = thief.get(back, expect=401)
    forged = desk.get(back.replace("state=", "state=x"), expect=401)
    replayed = desk.get(back, expect=401)

    for page in (stolen, forged, replayed):
        assert "was finished already, took too long, or began in another browser" in page.words
    assert db.session.query(StaffSession).count() == 0


def test_a_code_is_no_good_with_another_verifier(app: Flask, sso: IdP) -> None:
    mine, theirs = visitor(app), visitor(app)
    mine.get("/login")
    theirs.get("/login")
    own = sso.sign_in(_away(mine))
    other = sso.sign_in(_away(theirs))
    injected = re.sub(r"code=[^&]+", re.search(r"code=[^&]+", other)[0], own)  # type: ignore[index]

    page = mine.get(injected, expect=401)

    assert "did not take the code back" in page.words


def test_whose_access_has_ended_stays_out(app: Flask, sso: IdP) -> None:
    _sign_in(app, sso)
    operations.deactivate(_person().id, actor=Actor.command("tests"))

    _refused(app, sso, "Your access here has ended.", 403)


def test_who_is_unknown_is_refused_where_nobody_is_made(app: Flask, sso: IdP) -> None:
    _set(app, sso, roles=ROLES)

    _refused(app, sso, "Nobody with your address works here.", 403)

    assert db.session.query(Staff).count() == 0


def test_the_last_admin_is_not_made_less_by_a_group(app: Flask, sso: IdP) -> None:
    _here("admin")

    _refused(app, sso, "is the only admin left", 409)

    assert (_person().role, _person().sso_subject) == ("admin", None)


def test_a_second_factor_of_ours_is_still_asked_for_unless_several_were_asked_there(app: Flask, sso: IdP) -> None:
    ana = staff(app, "support", email=ANA)
    enrol(ana)

    half = _sign_in(app, sso, opens=None)
    half.get("/admin/charges/", expect=303)
    sso.claims |= {"amr": ["pwd", "mfa"]}
    whole = _sign_in(app, sso)

    whole.get("/admin/charges/")


def test_before_an_act_that_matters_the_provider_is_asked_again(app: Flask, sso: IdP) -> None:
    desk = _sign_in(app, sso)
    desk.get("/login/again?next=/admin/sessions/")
    away = _away(desk, "/login/sso/again", next="/admin/sessions/")

    proved = desk.get(sso.sign_in(away), expect=303)

    assert "prompt=login" in away
    assert "max_age=0" in away
    assert proved.location == "/admin/sessions/"
    assert _last().action == "staff.proved"


@pytest.mark.parametrize(("claims", "status"), [({"sub": "u2"}, 403), ({"auth_time": 1_700_000_000}, 401)])
def test_only_the_same_person_asked_just_now_proves_it(
    app: Flask, sso: IdP, claims: dict[str, object], status: int
) -> None:
    desk = _sign_in(app, sso)
    desk.get("/login/again")
    back = sso.sign_in(_away(desk, "/login/sso/again"))
    sso.claims |= claims

    desk.get(back, expect=status)

    assert "staff.proved" not in _actions()


def test_single_sign_on_alone_closes_every_door_of_passwords(app: Flask, sso: IdP) -> None:
    admin = staff(app, "admin")
    _set(app, sso, roles=ROLES, only=True)
    desk = visitor(app)

    page = desk.get("/login")
    refused = desk.post("/login", {"email": admin.email, "password": "four unrelated words"}, expect=403)
    again = admin.get("/login/again")
    proved = admin.post("/login/again", {"password": "four unrelated words"}, expect=403)
    admin.post("/admin/invitations/new", {"email": "bob@shop.example", "role": "admin"}, expect=409)

    assert 'type="password"' not in page.html + again.html
    assert "Passwords let nobody in here." in refused.words
    assert "Passwords open nothing here." in proved.words
    assert db.session.query(StaffSession).count() == 1


def test_signing_out_shows_the_way_out_of_the_provider(app: Flask, sso: IdP) -> None:
    desk = _sign_in(app, sso)
    desk.get("/login/again")

    page = desk.post("/logout", expect=200)

    assert "You are signed out here" in page.headings
    assert f'href="{sso.issuer}/leave?client_id=counterfoil' in page.html
    desk.get("/admin/charges/", expect=303)


def test_a_provider_that_is_away_is_said_to_be(app: Flask, sso: IdP) -> None:
    sso.away = True
    desk = visitor(app)
    desk.get("/login")

    page = desk.post("/login/sso", expect=503)

    assert "The identity provider does not answer." in page.words


def test_without_a_provider_there_is_no_such_page(app: Flask) -> None:
    desk = visitor(app)
    page = desk.get("/login")

    desk.post("/login/sso", expect=404)
    desk.get("/login/sso/back?code=1&state=2", expect=404)

    assert "Single sign-on" not in page.words


def _set(app: Flask, idp: IdP, **more: object) -> None:
    chosen = SingleSignOn(idp.issuer, CLIENT, SECRET, **more)  # type: ignore[arg-type]
    app.extensions["sso.provider"] = Provider(chosen, "http://localhost:4242/login/sso/back")


def _away(desk: Desk, path: str = "/login/sso", **form: str) -> str:
    page = desk.post(path, form, expect=200)
    found = re.search(r'content="0; url=([^"]+)"', page.html)
    assert found, page.words
    return unescape(found[1])


def _sign_in(app: Flask, idp: IdP, *, opens: str | None = "/admin/") -> Desk:
    desk = visitor(app)
    desk.get("/login")
    came = desk.get(idp.sign_in(_away(desk)), expect=303)
    assert came.location == (opens or "/login/code")
    return desk


def _refused(app: Flask, idp: IdP, words: str, status: int) -> None:
    before = db.session.query(StaffSession).count()
    desk = visitor(app)
    desk.get("/login")
    page = desk.get(idp.sign_in(_away(desk)), expect=status)
    assert words in page.words
    assert db.session.query(StaffSession).count() == before
    desk.get("/admin/charges/", expect=303)


def _here(role: str) -> None:
    operations.add_staff(ANA, role=role, password="four unrelated words", actor=Actor.command("tests"))


def _person() -> Staff:
    return db.session.scalars(select(Staff).where(Staff.email == ANA).execution_options(populate_existing=True)).one()


def _actions() -> list[str]:
    return list(db.session.scalars(select(AuditLog.action).order_by(AuditLog.id)))


def _last() -> AuditLog:
    return db.session.scalars(select(AuditLog).order_by(AuditLog.id.desc()).limit(1)).one()
