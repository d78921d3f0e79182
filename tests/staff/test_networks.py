"""From where people may come in: a network that is not allowed learns nothing, and locks nobody out."""

from flask import Flask
from sqlalchemy import select

from app import clock
from app.database import db, transaction
from app.models.allowed_network import AllowedNetwork
from app.models.audit_log import AuditLog
from app.staff.throttle import FOR_ONE_EMAIL
from tests.desk import PASSWORD, Desk, Page, staff

HOME = "203.0.113.0/24"


def test_a_refused_network_is_not_told_that_a_password_is_right(app: Flask) -> None:
    ana = _ana_of(HOME, app)

    right, wrong = _try(ana, PASSWORD), _try(ana, "not the password at all")

    assert right.words == wrong.words
    assert "The e-mail address or the password is wrong." in right.words
    assert _actions()[-2:] == ["staff.network_refused", "staff.network_refused"]


def test_tries_from_a_refused_network_lock_nobody_out_at_home(app: Flask) -> None:
    ana = _ana_of(HOME, app)
    for _ in range(FOR_ONE_EMAIL):
        _try(ana, PASSWORD)
    assert _try(ana, PASSWORD, expect=429).status == 429

    at_home = _ana_of("127.0.0.0/8", app, email=ana.email)

    at_home.sign_in()
    at_home.get("/admin/charges/")


def test_one_who_is_unknown_is_counted_as_often_as_one_who_may_not_come_from_here(app: Flask) -> None:
    _ana_of(HOME, app)
    nobody = Desk(app, "nobody@shop.example")

    answers = [_try(nobody, PASSWORD, expect=None).status for _ in range(FOR_ONE_EMAIL + 1)]

    assert answers == [401] * FOR_ONE_EMAIL + [429]


def _ana_of(network: str, app: Flask, *, email: str | None = None) -> Desk:
    """Somebody who may come from this network only, and sits at 127.0.0.1."""
    known = email or staff(app).email
    with transaction():
        db.session.query(AllowedNetwork).delete()
        db.session.add(
            AllowedNetwork(network=network, role=None, note="Office", created_by="tests", created_at=clock.now())
        )
    return Desk(app, known)


def _try(desk: Desk, password: str, *, expect: int | None = 401) -> Page:
    desk.get("/login")
    return desk.post("/login", {"email": desk.email, "password": password}, expect=expect)


def _actions() -> list[str]:
    return list(db.session.scalars(select(AuditLog.action).order_by(AuditLog.id)))
