"""One object is read again because a program asked, and the answer says what was different here."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.actor import Actor
from app.database import db, transaction
from app.keys import operations
from app.keys.operations import House, Wish
from app.models.audit_log import AuditLog
from app.models.staff import Staff
from app.staff.operations import add_staff
from app.sync import single
from app.web.sealing import Seal
from tests import factories
from tests.desk import PASSWORD
from tests.sandbox.client import Sandbox
from tests.sync.conftest import Copy

TESTS = Actor.command("tests")


@pytest.fixture
def shop(sandbox: Sandbox, copy_of_sandbox: Copy) -> tuple[str, Copy]:
    made = sandbox.post("/v1/customers", {"email": "jo@example.com", "name": "Jo Doe"})
    copy_of_sandbox.sync()
    return str(made["id"]), copy_of_sandbox


def _ask(copy: Copy, object_id: str, *scopes: str) -> Any:
    app: Flask = copy.app
    with app.app_context():
        if db.session.query(Staff).filter_by(email="ana@shop.example").first() is None:
            add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=TESTS)
        ana = db.session.query(Staff).filter_by(email="ana@shop.example").one().id
        settings = app.extensions["settings"]
        account = db.session.scalar(text("SELECT id FROM accounts ORDER BY id LIMIT 1"))
        house = House(account, False, Seal.for_keys(settings.secret_key), settings.domain)
        wish = Wish("Billing", scopes, 600, 30)
        key = operations.make(wish, key_id=uuid4(), owner_id=ana, house=house, actor=TESTS)
        db.session.remove()
    return app.test_client(use_cookies=False).post(f"/api/sync/{object_id}", headers={"Authorization": f"Bearer {key}"})


def test_what_differed_is_answered_once_and_put_right(shop: tuple[str, Copy]) -> None:
    customer, copy = shop
    with transaction():
        db.session.execute(text("UPDATE customers SET name = 'Old', email = 'old@example.com', delinquent = true"))

    first = _ask(copy, customer, "sync", "personal.read")
    second = _ask(copy, customer, "sync", "personal.read")

    assert first.status_code == second.status_code == 200
    assert (first.json["state"], first.json["kind"]) == ("changed", "customer")
    assert {"field": "email", "here": "old@example.com", "stripe": "jo@example.com"} in first.json["changes"]
    assert second.json == {"id": customer, "kind": "customer", "state": "same", "changes": []}
    acts = db.session.scalars(
        select(AuditLog).where(AuditLog.object_id == customer, AuditLog.action == "object.synced")
    ).all()
    assert [act.actor_kind for act in acts] == ["api_key", "api_key"]
    assert acts[0].after["email"] == "personal data"  # type: ignore[index]
    assert acts[0].actor.startswith("Billing (cf_test_")


def test_a_key_without_personal_data_is_told_that_it_changed_and_not_what_it_is(shop: tuple[str, Copy]) -> None:
    customer, copy = shop
    with transaction():
        db.session.execute(text("UPDATE customers SET name = 'Old', email = 'old@example.com'"))

    answer = _ask(copy, customer, "sync")

    assert {change["field"] for change in answer.json["changes"]} >= {"email", "name"}
    assert [word for word in ("old@", "jo@", "Jo Doe") if word in answer.get_data(as_text=True)] == []


def test_what_was_missing_here_is_new_and_what_stripe_forgot_is_deleted(
    sandbox: Sandbox, shop: tuple[str, Copy]
) -> None:
    customer, copy = shop
    missing = str(sandbox.post("/v1/customers", {"email": "new@example.com"})["id"])

    new = _ask(copy, missing, "sync")
    sandbox.call("DELETE", f"/v1/customers/{customer}")
    gone = _ask(copy, customer, "sync")

    assert new.json["state"] == "new"
    assert gone.json["state"] == "deleted"


def test_what_exists_nowhere_is_unknown_and_leaves_no_trace(shop: tuple[str, Copy]) -> None:
    _, copy = shop
    before = db.session.scalar(text("SELECT count(*) FROM customers"))

    answers = [
        _ask(copy, key, "sync")
        for key in ("cus_nothing", "xyz_1", "cus_" + "x" * 300, "cus_%2e%2e%2fcharges", "cus_%00")
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert db.session.scalar(text("SELECT count(*) FROM customers")) == before


def test_another_account_s_object_is_not_read_at_all(app: Flask) -> None:
    factories.account()
    other = factories.another_account()
    theirs = factories.charge(account_id=other.id)

    with pytest.raises(single.Unknown):
        single.read_one(theirs.id, account_id=factories.account().id, actor=TESTS, gateway=object())  # type: ignore[arg-type]


def test_every_beginning_names_a_kind_that_is_kept() -> None:
    assert {kind for _, kind in single.BEGINNINGS} == set(single.KINDS)
    found = {single.kind_of(f"{start}1") for start, _ in single.BEGINNINGS}
    assert found == set(single.KINDS)
