"""Many senders, several processes' worth of connections: every answer is 2xx and every effect happens once."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.database import db
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.webhook_event import WebhookEvent
from tests.webhooks.signing import charge, customer, event, post
from tests.world import application

T = 1_790_000_000


@pytest.fixture
def instances(committed: Flask, database_url: str, instance_dir: Path) -> Iterator[list[Flask]]:
    """Two applications that share nothing but the database."""
    other = application(database_url, instance_dir)
    yield [committed, other]
    with other.app_context():
        db.engine.dispose()


@pytest.fixture
def deliver(instances: list[Flask]) -> Callable[[list[dict[str, Any]]], list[int]]:
    """Post all of them from sixteen threads, in turn to each instance; the statuses answered."""

    def deliver_all(events: list[dict[str, Any]]) -> list[int]:
        turns = itertools.cycle(instances)
        with ThreadPoolExecutor(16) as pool:
            answers = [pool.submit(lambda a, e: post(a.test_client(), e).status_code, next(turns), e) for e in events]
            return [answer.result(60) for answer in answers]

    return deliver_all


def test_a_hundred_events_delivered_twenty_times_each_have_one_effect(
    deliver: Callable[[list[dict[str, Any]]], list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    events = [event("customer.created", customer(f"cus_{n}"), id=f"evt_{n}") for n in range(100)]

    statuses = deliver([told for _ in range(20) for told in events])

    assert set(statuses) == {200}
    assert len(statuses) == 2_000
    counted = db.session.execute(
        select(func.count(), func.sum(WebhookEvent.deliveries)).select_from(WebhookEvent)
    ).one()
    assert tuple(counted) == (100, 2_000)
    assert set(db.session.scalars(select(WebhookEvent.state))) == {"processed"}
    assert db.session.scalar(select(func.count()).select_from(Customer)) == 100
    assert [record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


def test_events_that_touch_the_same_rows_in_opposite_order_all_succeed(
    instances: list[Flask], deliver: Callable[[list[dict[str, Any]]], list[int]]
) -> None:
    events = []
    for n in range(200):
        pair = [
            event("customer.updated", customer(f"cus_{n % 5}", name=f"Name {n}"), created=T + n),
            event("charge.updated", charge(f"ch_{n % 5}", amount_refunded=n), created=T + n),
        ]
        events += pair if n % 2 else pair[::-1]

    def edit(turn: int) -> None:
        """Staff at work on the same rows, in the order the batches do not use."""
        with instances[turn % 2].app_context(), db.engine.begin() as connection:
            for n in range(4, -1, -1):
                connection.execute(text("UPDATE charges SET description = 'seen' WHERE id = :id"), {"id": f"ch_{n}"})
                connection.execute(text("UPDATE customers SET phone = '1' WHERE id = :id"), {"id": f"cus_{n}"})

    with ThreadPoolExecutor(2) as staff:
        edits = [staff.submit(edit, turn) for turn in range(4)]
        statuses = deliver(events)
        failures = [str(edit.exception()) for edit in edits if edit.exception()]

    assert set(statuses) == {200}
    # A person's own transaction may be the one that gives way; an event never is.
    assert all("deadlock" in failure for failure in failures)
    assert [db.session.get_one(Charge, f"ch_{n}").amount_refunded for n in range(5)] == [195, 196, 197, 198, 199]
    assert [db.session.get_one(Customer, f"cus_{n}").name for n in range(5)] == [f"Name {n}" for n in range(195, 200)]
    assert set(db.session.scalars(select(WebhookEvent.state))) <= {"processed", "superseded"}
