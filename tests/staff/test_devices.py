"""Whoever signs in from a browser or a network that was never seen before is told so, and nobody else is."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import clock
from app.database import db
from app.models.audit_log import AuditLog
from app.models.known_device import KnownDevice
from app.models.mail import Mail
from app.staff import devices
from app.staff.housekeeping import forget_old
from tests import factories
from tests.desk import Desk, staff

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
EDGE = f"{CHROME} Edg/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1"


def test_the_first_sign_in_ever_is_no_news_and_the_same_browser_never_is(app: Flask) -> None:
    factories.account()
    ana = staff(app)

    ana.post("/logout")
    ana.sign_in()

    assert _told() == []
    assert db.session.query(KnownDevice).count() == 1


def test_another_browser_is_told_by_mail_and_stands_in_the_trail(app: Flask) -> None:
    factories.account()
    ana = staff(app)
    other = Desk(app, ana.email)
    other.client.environ_base["HTTP_USER_AGENT"] = f"{FIREFOX} click https://evil.example"

    other.sign_in()

    letter = _told()[0]
    assert letter.recipient == ana.email
    assert "from a browser that we have not seen before" in letter.text
    assert "Browser: Firefox on Linux\n" in letter.text
    assert "evil" not in letter.text
    assert _news() == [None, ["browser"]]


def test_a_known_browser_at_another_network_is_told_once(app: Flask) -> None:
    factories.account()
    ana = staff(app)
    for address in ("198.51.100.7", "198.51.100.99", "127.0.0.1"):
        ana.client.environ_base["REMOTE_ADDR"] = address
        ana.post("/logout")
        ana.sign_in()

    assert ["from a network that we have not seen before" in letter.text for letter in _told()] == [True]
    assert "Network: 198.51.100.0/24" in _told()[0].text


def test_what_one_person_s_browser_is_known_by_says_nothing_about_another_person(app: Flask) -> None:
    factories.account()
    ana, ben = staff(app), staff(app)
    ana.post("/logout")
    ana.email = ben.email

    ana.sign_in()

    assert [letter.recipient for letter in _told()] == [ben.email]


def test_a_wrong_password_from_a_new_browser_is_no_sign_in(app: Flask) -> None:
    factories.account()
    ana = staff(app)

    Desk(app, ana.email).sign_in("a wrong password", expect=401)

    assert _told() == []
    assert db.session.query(KnownDevice).count() == 1


def test_one_s_browsers_stand_on_the_page_of_sessions_and_a_forgotten_one_is_news_again(app: Flask) -> None:
    factories.account()
    ana, ben = staff(app), staff(app)
    page = ana.get("/admin/sessions/")
    mark = next(form["device"] for form in page.forms if "device" in form)

    ben.post("/admin/sessions/forget", {"device": mark})
    assert "This browser is forgotten already." in ben.get("/admin/sessions/").words
    ana.post("/admin/sessions/forget", {"device": mark})
    assert "None yet." in ana.get("/admin/sessions/").words
    for nonsense in ("", "%", mark.upper(), "\0"):
        ana.post("/admin/sessions/forget", {"device": nonsense})

    assert "this browser" in page.words
    assert "From 127.0.0.0/24" in page.words
    assert db.session.query(KnownDevice).count() == 1


def test_the_database_holds_nothing_a_browser_could_be_imitated_with(app: Flask) -> None:
    ana = staff(app)
    cookie = ana.client.get_cookie("counterfoil_device")

    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    held = db.session.scalars(select(KnownDevice.token_hash)).one()
    assert cookie.value.encode() not in held


def test_browsers_nobody_used_for_long_are_forgotten(app: Flask) -> None:
    staff(app)

    with time_machine.travel(clock.now() + timedelta(days=401), tick=False):
        forget_old()

    assert db.session.query(KnownDevice).count() == 0


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (EDGE, "Edge on Windows"),
        (IPHONE, "Safari on iPhone"),
        ("curl/8", "A browser that does not say what it is"),
        ("", "A browser that does not say what it is"),
    ],
)
def test_browsers_are_named_in_words_of_ours(agent: str, name: str) -> None:
    assert devices.named(agent) == name


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unknown", None),
    ],
)
def test_addresses_of_one_household_are_one_network(address: str, network: str | None) -> None:
    assert devices.network_of(address) == network


def _told() -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.kind == "staff.new_place").order_by(Mail.id)))


def _news() -> list[object]:
    signed_in = select(AuditLog.after).where(AuditLog.action == "staff.signed_in").order_by(AuditLog.id)
    return [(after or {}).get("new") for after in db.session.scalars(signed_in)]
