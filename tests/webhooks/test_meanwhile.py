"""A person acts on an event while the worker has it in hand, on another connection: the person's word holds, the effect is once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.actor import Actor
from app.database import db, transaction
from app.errors import Unknown
from app.gateways.answer import Answer
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
NOW = {"/v1/customers/cus_1": customer("cus_1", name="Cleo")}


class Meanwhile(FakeGateway):
    """A Stripe that answers after `act` was done by somebody else."""

    act: Callable[[], Any]

    def look(self, path: str) -> Answer:
        self.act()
        return super().look(path)


@pytest.fixture
def doubtful(committed: Flask) -> str:
    """An event that only Stripe's answer can settle, due now."""
    inbox.take_in([of(event("customer.created", customer("cus_1", name="Ana"), created=T))])
    [said] = [event("customer.updated", customer("cus_1", name="Ben"), created=T)]
    inbox.take_in([of(said)])
    with transaction():
        db.session.execute(text("UPDATE webhook_events SET next_try_at = received_at WHERE state = 'waiting'"))
    return said["id"]


def worker(app: Flask, event_id: str, act: Callable[[], Any], error: Exception | None = None) -> None:
    """Try the event; while Stripe is asked, `act` happens with a connection of its own."""

    def elsewhere() -> None:
        def do() -> None:
            with app.app_context():
                act()

        with ThreadPoolExecutor(1) as other:
            other.submit(do).result(30)

    gateway = Meanwhile(NOW, error)
    gateway.act = elsewhere
    assert inbox.understand(event_id, gateway)


def found(event_id: str) -> tuple[str, int]:
    db.session.rollback()
    kept = db.session.get_one(WebhookEvent, event_id)
    return kept.state, kept.attempts


def tries(event_id: str) -> list[str]:
    query = select(WebhookTry.state).where(WebhookTry.event_id == event_id).order_by(WebhookTry.id)
    return list(db.session.scalars(query))


def account_id() -> int:
    return db.session.scalars(select(WebhookEvent.account_id)).first() or 0


@pytest.mark.parametrize("error", [None, Unknown("Stripe knows it not.")])
def test_an_event_ignored_while_it_is_tried_stays_ignored(
    committed: Flask, doubtful: str, error: Exception | None
) -> None:
    worker(committed, doubtful, lambda: operations.ignore(doubtful, actor=ANA, reason="A test"), error)

    assert found(doubtful)[0] == "ignored"
    assert tries(doubtful) == ["waiting", "ignored", "waiting" if error else "processed"]
    assert inbox.waiting(limit=10) == []


def test_an_event_replayed_while_it_is_tried_is_tried_once_more(committed: Flask, doubtful: str) -> None:
    def replay() -> None:
        assert operations.replay(doubtful, FakeGateway(NOW), actor=ANA, reason="Again") == "processed"

    worker(committed, doubtful, replay, Unknown("Stripe knows it not."))

    assert found(doubtful) == ("processed", 1)
    assert db.session.scalars(select(Customer.name)).all() == ["Cleo"]


def test_many_replayed_while_one_is_tried_leave_that_one_to_its_try(committed: Flask, doubtful: str) -> None:
    put_back: list[int] = []

    def replay() -> None:
        put_back.append(operations.replay_many([doubtful], account_id=account_id(), actor=ANA, reason="All"))

    worker(committed, doubtful, replay)

    assert put_back == [0]
    assert found(doubtful) == ("processed", 2)
    assert db.session.scalar(select(func.count()).select_from(AuditLog)) == 0


def test_what_a_second_worker_understood_is_not_undone_by_a_slow_try(committed: Flask, doubtful: str) -> None:
    def reclaimed() -> None:
        """The try takes so long that the next one takes its place."""
        with transaction():
            db.session.execute(text("UPDATE webhook_events SET next_try_at = received_at WHERE state = 'waiting'"))
        assert inbox.understand(doubtful, FakeGateway(NOW))

    worker(committed, doubtful, reclaimed, Unknown("Stripe knows it not."))

    assert found(doubtful) == ("processed", 3)
    assert tries(doubtful) == ["waiting", "processed", "waiting"]


def test_two_people_put_the_same_events_back_at_once_and_each_is_put_back_once(committed: Flask) -> None:
    said = [event("customer.created", customer(f"cus_{n}"), id=f"evt_{n}", created=T) for n in range(250)]
    inbox.take_in([of(one) for one in said])
    mine = account_id()
    db.session.rollback()

    def replay(ids: list[str]) -> int:
        with committed.app_context():
            return operations.replay_many(ids, account_id=mine, actor=ANA, reason="After the update")

    ids = [one["id"] for one in said]
    with ThreadPoolExecutor(2) as people:
        numbers = list(people.map(replay, [ids, ids[::-1]]))

    assert sum(numbers) == 250
    assert db.session.scalar(select(func.count()).select_from(AuditLog)) == 250
    assert set(db.session.scalars(select(WebhookEvent.state))) == {"waiting"}
