"""Stripe's refund fills the promise it names, once, and never makes a second row of it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.database import db, transaction
from app.mirror import refunds
from app.mirror.door import Saved
from app.models.charge import Charge
from app.models.refund import Refund
from tests import factories, objects
from tests.objects import read, told


@pytest.fixture
def charge(app: Flask) -> Charge:
    return factories.charge(id="ch_1")


@pytest.fixture
def promise(charge: Charge) -> UUID:
    """A refund of 10.00 EUR that was promised and not answered yet."""
    identity = uuid4()
    noon = told(charge.account_id).seen_at
    row = Refund(
        id=identity,
        account_id=charge.account_id,
        amount=1_000,
        currency="eur",
        status="requested",
        charge_id="ch_1",
        requested_by="ana@shop.example",
        requested_at=noon,
        reason_text="broken on arrival",
        seen_at=noon,
        heard_at=noon,
        rank=0,
        tries=1,
    )
    with transaction():
        db.session.add(row)
    return identity


def save(obj: dict[str, Any], news: Any) -> Saved:
    with transaction():
        return refunds.save_all([obj], news)


def refund_of(promise: UUID | str, **fields: Any) -> dict[str, Any]:
    return objects.refund({"id": "ch_1", "currency": "eur"}, metadata={"counterfoil_refund": str(promise)}, **fields)


def test_a_refund_fills_the_promise_it_names(charge, promise):
    saved = save(refund_of(promise, id="re_1", status="pending"), told(charge.account_id, -60))

    [row] = db.session.query(Refund).all()
    assert saved == Saved(applied=["re_1"])
    assert (row.id, row.stripe_id, row.status) == (promise, "re_1", "pending")
    assert (row.requested_by, row.reason_text, row.tries) == ("ana@shop.example", "broken on arrival", 1)
    assert row.trace_status == "pending"


def test_event_and_answer_of_one_refund_are_one_row(charge, promise):
    save(refund_of(promise, id="re_1", status="pending"), told(charge.account_id, 1))
    save(refund_of(promise, id="re_1", status="succeeded"), read(charge.account_id, 2))
    save(refund_of(promise, id="re_1", status="pending"), told(charge.account_id, 1, heard=9))

    [row] = db.session.query(Refund).all()
    assert (row.id, row.status) == (promise, "succeeded")


def test_a_refused_promise_that_was_kept_after_all_is_what_stripe_says(charge, promise):
    with transaction():
        db.session.get_one(Refund, promise).status = "refused"
        db.session.get_one(Refund, promise).refusal = "No."

    save(refund_of(promise, id="re_1"), read(charge.account_id, 2))

    [row] = db.session.query(Refund).all()
    assert (row.status, row.refusal) == ("succeeded", None)


@pytest.mark.parametrize(
    "fields", [{"amount": 999}, {"currency": "usd"}, {"charge": "ch_2"}], ids=["amount", "currency", "charge"]
)
def test_a_refund_that_only_copied_the_promise_is_a_row_of_its_own(charge, promise, fields):
    save(refund_of(promise, id="re_1", **fields), told(charge.account_id, 1))

    assert db.session.get_one(Refund, promise).status == "requested"
    outside = db.session.query(Refund).filter_by(stripe_id="re_1").one()
    assert outside.is_outside


def test_of_two_refunds_that_name_one_promise_the_first_is_it(charge, promise):
    save(refund_of(promise, id="re_1"), told(charge.account_id, 1))
    save(refund_of(promise, id="re_2"), told(charge.account_id, 2))

    rows = {row.stripe_id: row.is_outside for row in db.session.query(Refund)}
    assert rows == {"re_1": False, "re_2": True}
    assert db.session.get_one(Refund, promise).stripe_id == "re_1"


@pytest.mark.parametrize("named", ["not-a-uuid", "", None, 7, "6f1c1c1e-0d6b-4c57-9a55-6a2f6b2b8f10"])
def test_a_refund_that_names_nothing_of_ours_is_from_outside(charge, named):
    obj = objects.refund({"id": "ch_1", "currency": "eur"}, id="re_1", metadata={"counterfoil_refund": named})

    assert save(obj, told(charge.account_id)) == Saved(applied=["re_1"])
    assert db.session.query(Refund).one().is_outside


def test_a_refund_may_come_before_its_charge(charge):
    obj = objects.refund({"id": "ch_unknown", "currency": "eur"}, id="re_1")

    assert save(obj, told(charge.account_id)).applied == ["re_1"]


def test_a_late_failure_is_the_last_word(charge):
    charge_id = {"id": "ch_1", "currency": "eur"}
    for second, status in [(1, "pending"), (5, "failed"), (3, "succeeded")]:
        save(objects.refund(charge_id, id="re_1", status=status), told(charge.account_id, second))

    assert db.session.query(Refund).one().status == "failed"
