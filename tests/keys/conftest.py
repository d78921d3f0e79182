"""A key in somebody's hand."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.actor import Actor
from app.database import db
from app.keys import operations
from app.keys.operations import House, Wish
from app.models.staff import Staff
from app.staff.operations import add_staff
from app.web.sealing import Seal
from tests import factories
from tests.desk import PASSWORD

TESTS = Actor.command("tests")


class Program:
    """What a program of the shop is, seen from here: a key, and requests with it."""

    def __init__(self, app: Flask, key: str) -> None:
        self.key, self._client = key, app.test_client(use_cookies=False)

    def ask(self, method: str, path: str, header: str | None = None, **more: Any) -> TestResponse:
        says = f"Bearer {self.key}" if header is None else header
        return self._client.open(path, method=method, headers={"Authorization": says} if says else {}, **more)

    def ping(self, header: str | None = None) -> TestResponse:
        return self.ask("GET", "/api/ping", header)


def owner(role: str = "admin", email: str = "ana@shop.example") -> Staff:
    known = db.session.query(Staff).filter_by(email=email).first()
    if known is None:
        add_staff(email, role=role, password=PASSWORD, actor=TESTS)
        known = db.session.query(Staff).filter_by(email=email).one()
    return known


def house(app: Flask, account_id: int | None = None) -> House:
    settings = app.extensions["settings"]
    return House(account_id or factories.account().id, False, Seal.for_keys(settings.secret_key), settings.domain)


Maker = Callable[..., Program]


@pytest.fixture
def program(app: Flask) -> Maker:
    """Makes keys of the test's own."""

    def make(*scopes: str, account_id: int | None = None, per_minute: int = 600, lasts: int | None = 30) -> Program:
        wish = Wish("Billing", scopes or ("sync",), per_minute, lasts)
        key = operations.make(
            wish,
            key_id=uuid4(),
            owner_id=owner().id,
            house=house(app, account_id),
            actor=Actor("staff", "ana@shop.example"),
        )
        return Program(app, key)

    return make
