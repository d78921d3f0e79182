"""Replaying many, and letting be: each with its line in the trail, and our copy as it was."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.actor import Actor
from app.audit import chain
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.models.audit_log import AuditLog
from app.models.customer import Customer
from app.models.webhook_event import WebhookEvent
from app.models.webhook_try import WebhookTry
from app.webhooks import inbox, operations
from app.webhooks.envelope import of
from tests.webhooks.fakes import FakeGateway
from tests.webhooks.signing import customer, event

ANA = Actor("staff", "ana@shop.example")
T = 1_790_000_000


def take(*events: dict[str, Any]) -> list[str]:
    inbox.take_in([of(said) for said in events])
    return [said["id"] for said in events]


def account_id() -> int:
    found = db.session.scalars(select(WebhookEvent.account_id)).first()
    db.session.rollback()
    assert found is not None
    return found


def mirror() -> list[tuple[Any, ...]]:
    """Every row of our copy of customers with its version: `xmin` differs when somebody wrote it."""
    db.session.rollback()
    found = db.session.execute(text("SELECT xmin, * FROM customers ORDER BY id")).all()
    db.session.rollback()
    return [tuple(row) for row in found]


def work_through(gateway: FakeGateway) -> None:
    while due := inbox.waiting(limit=500):
        for event_id in due:
            inbox.understand(event_id, gateway)
        db.session.rollback()


def tries(event_id: str) -> list[WebhookTry]:
    db.session.rollback()
    return list(
        db.session.scalars(select(WebhookTry).where(WebhookTry.event_id == event_id).order_by(WebhookTry.id)).all()
    )


def count(model: type[Any]) -> int:
    return len(db.session.scalars(select(model)).all())


def test_a_thousand_replayed_events_change_no_row_and_leave_a_thousand_lines_in_the_trail(app: Flask) -> None:
    ids = take(*(event("customer.created", customer(f"cus_{n:04}", name="Ana"), created=T) for n in range(1_000)))
    before, mine = mirror(), account_id()

    assert operations.replay_many(ids, account_id=mine, actor=ANA, reason="After the update") == 1_000
    work_through(FakeGateway({f"/v1/customers/cus_{n:04}": customer(f"cus_{n:04}", name="Ana") for n in range(1_000)}))

    assert mirror() == before
    states = db.session.scalars(select(WebhookEvent.state).distinct()).all()
    assert set(states) <= {"processed", "superseded"}
    lines = db.session.scalars(select(AuditLog)).all()
    assert [(line.action, line.reason) for line in lines] == [("event.replayed", "After the update")] * 1_000
    assert {line.object_id for line in lines} == set(ids)
    assert chain.verify() is None


def test_the_same_wish_twice_is_one(app: Flask) -> None:
    ids = take(event("customer.created", customer("cus_1"), created=T))
    mine = account_id()

    assert operations.replay_many(ids * 3, account_id=mine, actor=ANA, reason="Why not") == 1
    assert operations.replay_many(ids, account_id=mine, actor=ANA, reason="Why not") == 0
    assert count(AuditLog) == 1


def test_another_accounts_events_are_left_alone(app: Flask) -> None:
    ids = take(event("customer.created", customer("cus_1"), created=T))
    mine = account_id()

    assert operations.replay_many(ids, account_id=mine + 1, actor=ANA, reason="Curious") == 0
    assert (db.session.get_one(WebhookEvent, ids[0]).state, count(AuditLog)) == ("processed", 0)


@pytest.mark.parametrize("number", [0, 1_001])
def test_none_and_too_many_are_refused(app: Flask, number: int) -> None:
    with pytest.raises(BadRequest, match="between 1 and 1,000"):
        operations.replay_many([f"evt_{n}" for n in range(number)], account_id=1, actor=ANA, reason="All of them")


@pytest.mark.parametrize("reason", ["", " \n "])
def test_without_a_reason_nothing_is_done(app: Flask, reason: str) -> None:
    ids = take(event("customer.created", customer("cus_1"), created=T))
    mine = account_id()

    with pytest.raises(ReasonMissing):
        operations.replay_many(ids, account_id=mine, actor=ANA, reason=reason)
    with pytest.raises(ReasonMissing):
        operations.ignore(ids[0], actor=ANA, reason=reason)
    assert (db.session.get_one(WebhookEvent, ids[0]).state, count(AuditLog)) == ("processed", 0)


def test_a_dead_event_is_let_be_once_and_can_still_be_replayed(app: Flask) -> None:
    [dead] = take(event("charge.succeeded", {"id": "ch_1", "object": "banana"}))
    with transaction():
        db.session.execute(text("UPDATE webhook_events SET state = 'dead', attempts = 40, next_try_at = NULL"))

    operations.ignore(dead, actor=ANA, reason="A test of a colleague")
    with pytest.raises(Conflict, match="This event is ignored"):
        operations.ignore(dead, actor=ANA, reason="A test of a colleague")

    event_ = db.session.get_one(WebhookEvent, dead, populate_existing=True)
    assert (event_.state, event_.next_try_at, event_.error) == (
        "ignored",
        None,
        "NotUnderstood: charge.succeeded carries banana, not a charge.",
    )
    [line] = db.session.scalars(select(AuditLog)).all()
    assert (line.action, line.reason, (line.before or {})["state"]) == (
        "event.ignored",
        "A test of a colleague",
        "dead",
    )
    assert inbox.waiting(limit=10) == []
    assert operations.replay(dead, FakeGateway(), actor=ANA, reason="After all") == "waiting"


def test_what_was_understood_cannot_be_ignored_and_what_is_unknown_neither(app: Flask) -> None:
    [done] = take(event("customer.created", customer("cus_1"), created=T))

    with pytest.raises(Conflict, match="This event is processed"):
        operations.ignore(done, actor=ANA, reason="In the way")
    with pytest.raises(Unknown, match="There is no event evt_none"):
        operations.ignore("evt_none", actor=ANA, reason="In the way")


def test_each_later_try_says_what_it_changed_or_why_it_failed(app: Flask) -> None:
    take(event("customer.created", customer("cus_1", name="Ana"), created=T))
    [doubtful] = take(event("customer.updated", customer("cus_1", name="Ben", email="b@example.com"), created=T))
    [broken] = take(event("charge.succeeded", {"id": "ch_1", "object": "banana"}))
    with transaction():
        db.session.execute(text("UPDATE webhook_events SET next_try_at = received_at WHERE state = 'waiting'"))

    inbox.understand(doubtful, FakeGateway({"/v1/customers/cus_1": customer("cus_1", name="Cleo")}))
    inbox.understand(broken, FakeGateway())

    first, second = tries(doubtful)
    assert (first.state, first.changed) == ("waiting", None)
    assert (second.state, second.error) == ("processed", None)
    assert second.changed is not None
    assert "name" in second.changed
    assert "email" not in second.changed
    assert [(t.number, t.state, t.error) for t in tries(broken)] == [
        (n, "waiting", "NotUnderstood: charge.succeeded carries banana, not a charge.") for n in (1, 2)
    ]
    assert db.session.get_one(Customer, "cus_1", populate_existing=True).name == "Cleo"


def test_what_is_understood_as_it_comes_needs_no_second_row(app: Flask) -> None:
    take(event("customer.created", customer("cus_1", name="New"), created=T + 1))
    take(event("customer.updated", customer("cus_1", name="Old"), created=T))

    assert count(WebhookTry) == 0
