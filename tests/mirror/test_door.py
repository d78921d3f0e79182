"""Older news never wins, the same news changes nothing, and what nobody can decide is said to be in doubt."""

import itertools
from typing import Any

import pytest
from flask import Flask

from app.database import db, transaction
from app.mirror import kinds, raw
from app.mirror.door import Saved
from app.mirror.news import News
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.payment_intent import PaymentIntent
from tests import factories, objects
from tests.objects import read, told


@pytest.fixture
def account_id(app: Flask) -> int:
    return factories.account().id


def save(kind: str, obj: dict[str, Any] | list[dict[str, Any]], news: News | list[News]) -> Saved:
    with transaction():
        return kinds.save_all(kind, obj if isinstance(obj, list) else [obj], news)


def test_every_field_finds_its_column(account_id):
    obj = objects.charge(id="ch_1", customer={"id": "cus_9", "object": "customer"}, metadata={"order": "7"})

    saved = save("charge", obj, told(account_id, 3))

    assert saved == Saved(applied=["ch_1"])
    row = db.session.get_one(Charge, "ch_1")
    assert (row.amount, row.currency, row.status, row.customer_id) == (5_000, "eur", "succeeded", "cus_9")
    assert (row.brand, row.last4, row.risk_level, row.labels) == ("visa", "4242", "normal", {"order": "7"})
    assert (row.seen_at, row.account_id, row.deleted_at) == (told(account_id, 3).seen_at, account_id, None)
    assert raw.unpack(row.raw) == obj


def test_the_same_news_again_changes_nothing(account_id):
    obj = objects.charge(id="ch_1")
    save("charge", obj, told(account_id))

    assert save("charge", obj, told(account_id)) == Saved(older=["ch_1"])


HISTORY = [
    (0, {"status": "requires_payment_method", "amount_received": 0}),
    (2, {"status": "requires_action", "amount_received": 0}),
    (4, {"status": "requires_payment_method", "amount_received": 0, "metadata": {"try": "2"}}),
    (6, {"status": "processing", "amount_received": 0}),
    (6, {"status": "succeeded", "amount_received": 5_000}),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5))), ids=str)
def test_any_order_of_a_history_ends_in_the_same_row(account_id, order):
    for index in (*order, *order):
        second, fields = HISTORY[index]
        saved = save("payment_intent", objects.payment_intent(id="pi_1", **fields), told(account_id, second))
        assert saved.doubtful == []

    row = db.session.get_one(PaymentIntent, "pi_1")
    assert (row.status, row.amount_received, row.labels, row.seen_at) == (
        "succeeded",
        5_000,
        {},
        told(account_id, 6).seen_at,
    )


def test_two_versions_of_one_second_are_in_doubt_and_change_nothing(account_id):
    save("charge", objects.charge(id="ch_1", amount_refunded=1_000), told(account_id))

    saved = save("charge", objects.charge(id="ch_1", amount_refunded=2_000), told(account_id))

    assert saved == Saved(doubtful=["ch_1"])
    assert db.session.get_one(Charge, "ch_1").amount_refunded == 1_000


def test_a_read_that_began_later_settles_the_doubt(account_id):
    save("charge", objects.charge(id="ch_1", amount_refunded=1_000), told(account_id, 5))

    saved = save("charge", objects.charge(id="ch_1", amount_refunded=2_000), read(account_id, 5.5))

    assert saved == Saved(applied=["ch_1"])
    assert db.session.get_one(Charge, "ch_1").amount_refunded == 2_000


def test_a_read_that_began_earlier_does_not_undo_a_later_one(account_id):
    save("charge", objects.charge(id="ch_1", amount_refunded=2_000), read(account_id, 9.5))

    saved = save("charge", objects.charge(id="ch_1"), read(account_id, 9.2))

    assert saved == Saved(doubtful=["ch_1"])
    assert db.session.get_one(Charge, "ch_1").amount_refunded == 2_000


def test_a_read_never_makes_a_row_seem_older_than_the_event_before(account_id):
    save("charge", objects.charge(id="ch_1", amount_refunded=2_000), told(account_id, 8, heard=8.5))
    save("charge", objects.charge(id="ch_1", amount_refunded=2_000), read(account_id, 8.7))
    row = db.session.get_one(Charge, "ch_1")
    row_seen_at = row.seen_at

    saved = save("charge", objects.charge(id="ch_1", amount_refunded=1_000), told(account_id, 7, heard=9))

    assert row_seen_at == told(account_id, 8).seen_at
    assert saved == Saved(older=["ch_1"])


def test_a_batch_with_one_object_twice_keeps_the_newer(account_id):
    old, new = objects.charge(id="ch_1"), objects.charge(id="ch_1", refunded=True)

    saved = save("charge", [new, old], [told(account_id, 2), told(account_id, 1)])

    assert saved == Saved(applied=["ch_1"])
    assert db.session.get_one(Charge, "ch_1").refunded is True


def test_events_and_reads_may_come_in_one_batch(account_id):
    batch = [objects.charge(id="ch_1"), objects.charge(id="ch_2")]

    saved = save("charge", batch, [told(account_id, 2), read(account_id, 3)])

    assert sorted(saved.applied) == ["ch_1", "ch_2"]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\ud800b", "a\N{REPLACEMENT CHARACTER}b"),
        ("\U0001f600", "\U0001f600"),
    ],
    ids=["nul", "surrogate", "emoji"],
)
def test_text_that_postgresql_cannot_hold_is_replaced_visibly(account_id, text, stored):
    obj = objects.customer(id="cus_1", name=text, email=text, metadata={text: text})

    assert save("customer", obj, told(account_id)).applied == ["cus_1"]

    row = db.session.get_one(Customer, "cus_1")
    assert (row.name, row.email, row.labels) == (stored, stored, {stored: stored})
    assert raw.unpack(row.raw)["name"] == stored


def test_a_client_secret_is_never_kept(account_id):
    error = {"type": "card_error", "code": "card_declined", "payment_intent": {"client_secret": "pi_1_secret_x"}}

    save("payment_intent", objects.payment_intent(id="pi_1", last_payment_error=error), told(account_id))

    row = db.session.get_one(PaymentIntent, "pi_1")
    assert row.last_payment_error == {"type": "card_error", "code": "card_declined", "payment_method": None}
    assert raw.unpack(row.raw)["last_payment_error"]["payment_intent"] == {}
    assert "client_secret" not in raw.unpack(row.raw)


def test_an_unknown_status_is_kept_as_it_is(account_id):
    save("payment_intent", objects.payment_intent(id="pi_1", status="requires_a_dance"), told(account_id))

    assert db.session.get_one(PaymentIntent, "pi_1").status == "requires_a_dance"


def test_a_deleted_customer_is_marked_and_keeps_its_name(account_id):
    save("customer", objects.customer(id="cus_1", name="Jo"), told(account_id, 1))

    saved = save("customer", {"id": "cus_1", "object": "customer", "deleted": True}, read(account_id, 5))

    row = db.session.get_one(Customer, "cus_1")
    assert saved.applied == ["cus_1"]
    assert (row.name, row.deleted_at) == ("Jo", read(account_id, 5).seen_at)


def test_older_news_does_not_bring_a_deleted_customer_back(account_id):
    save("customer", {**objects.customer(id="cus_1"), "deleted": True}, told(account_id, 5))

    assert save("customer", objects.customer(id="cus_1", name="Ghost"), told(account_id, 5)) == Saved(older=["cus_1"])
    assert db.session.get_one(Customer, "cus_1").deleted_at == told(account_id, 5).seen_at


def test_a_customer_known_only_as_deleted_keeps_older_news_out(account_id):
    save("customer", {"id": "cus_1", "object": "customer", "deleted": True}, read(account_id, 5))

    save("customer", objects.customer(id="cus_1", name="Ghost"), told(account_id, 1, heard=9))

    row = db.session.get_one(Customer, "cus_1")
    assert (row.name, row.deleted_at) == (None, read(account_id, 5).seen_at)
