"""An event that was answered 200 has its effect in the end, whatever dies or fails in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.actor import Actor
from app.database import db
from app.gateways.current import gateway
from app.models.audit_log import AuditLog
from app.models.webhook_event import WebhookEvent
from app.webhooks import operations
from jobs.understand_events import understand_events
from tests import invariants
from tests.sandbox.client import Sandbox
from tests.stack import Stack, eventually
from tests.system.sending import send_all, told
from tests.system.shop import Shop
from tests.webhooks.signing import post
from tests.world import WEBHOOK_SECRET

pytestmark = pytest.mark.timeout(300)
START = 1_790_000_000
ANA = Actor("staff", "ana@shop.example")


@pytest.fixture
def stack(shop: Shop, database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    try:
        running.start_web(workers=2)
        running.start_jobs()
        yield running
    finally:
        running.stop()


def states() -> dict[str, int]:
    db.session.rollback()
    return {row[0]: row[1] for row in db.session.execute(text("SELECT state, count(*) FROM webhook_events GROUP BY 1"))}


def customer(number: int, **changes: Any) -> dict[str, Any]:
    plain = {"id": f"cus_{number:04}", "object": "customer", "created": START, "name": "Ana", "metadata": {}}
    return plain | changes


def test_every_process_is_killed_when_the_last_of_five_hundred_events_is_answered(
    shop: Shop, sandbox: Sandbox, stack: Stack
) -> None:
    # Within one second: which of two news is the later, only another look at Stripe can tell, and that is the worker's.
    sandbox.control("POST", "clock", {"freeze": START})
    sandbox.put(*(customer(n) for n in range(400)), event="customer.created")
    sandbox.put(*(customer(n, name="Ben") for n in range(100)), event="customer.updated")
    events = told(sandbox)
    events.sort(key=lambda event: str(event["id"])[::-1])  # in no order that means anything

    statuses = send_all([stack], events)
    stack.kill("web")
    stack.kill("jobs")

    assert statuses == [200] * 500
    left = states().get("waiting", 0)
    stack.start_web(workers=2)
    stack.start_jobs()
    eventually(lambda: not states().get("waiting"), within=60)
    assert left > 0, "nothing was left for after the restart"
    assert set(states()) <= {"processed", "superseded"}
    assert sum(states().values()) == 500
    names = db.session.execute(text("SELECT name, count(*) FROM customers GROUP BY 1 ORDER BY 1")).all()
    assert [tuple(row) for row in names] == [("Ana", 300), ("Ben", 100)]
    invariants.hold(shop.app, sandbox)


def test_an_event_that_failed_is_understood_once_when_it_comes_again_or_is_replayed(
    shop: Shop, sandbox: Sandbox
) -> None:
    sandbox.control("POST", "clock", {"freeze": START})
    for number in (1, 2):
        sandbox.put(customer(number), event="customer.created")
        sandbox.put(customer(number, name="Ben"), event="customer.updated")
    web = shop.app.test_client()
    # Two news of one second: the second cannot be understood without Stripe, and Stripe does not show the object.
    sandbox.fault("GET", "/v1/customers/*", status=500, headers={"stripe-should-retry": "false"})
    events = sorted(told(sandbox), key=lambda event: (event["type"], event["data"]["object"]["id"]))
    again, by_hand = events[2:]
    assert {post(web, event).status_code for event in events} == {200}
    assert understand_events() == 2
    waiting = {row.id: row for row in db.session.query(WebhookEvent).filter_by(state="waiting")}
    assert set(waiting) == {again["id"], by_hand["id"]}
    assert all("GatewayUnavailable" in (row.error or "") and row.attempts == 2 for row in waiting.values())
    db.session.rollback()
    sandbox.heal()
    sandbox.control("DELETE", "requests")

    assert post(web, again).status_code == 200
    state = operations.replay(by_hand["id"], gateway(), actor=ANA, reason="Stripe is back")
    make_due(again["id"])
    understand_events()

    assert state == "processed"
    assert states() == {"processed": 4}
    rows = {row.id: row for row in db.session.query(WebhookEvent)}
    assert (rows[again["id"]].deliveries, rows[again["id"]].attempts) == (2, 3)
    assert "GatewayUnavailable" in (rows[by_hand["id"]].error or "")
    assert [entry["path"] for entry in sandbox.requests("GET", "/v1/customers")] == [
        "/v1/customers/cus_0002",
        "/v1/customers/cus_0001",
    ]
    [act] = db.session.query(AuditLog).all()
    assert (act.action, act.actor, act.object_id, act.reason) == (
        "event.replayed",
        "ana@shop.example",
        by_hand["id"],
        "Stripe is back",
    )
    assert (act.before or {})["state"] == "waiting"
    names = db.session.execute(text("SELECT DISTINCT name FROM customers")).scalars().all()
    assert names == ["Ben"]
    assert post(web, again).status_code == 200
    assert states() == {"processed": 4}
    invariants.hold(shop.app, sandbox)


def make_due(event_id: str) -> None:
    db.session.rollback()
    db.session.execute(text("UPDATE webhook_events SET next_try_at = received_at WHERE id = :id"), {"id": event_id})
    db.session.commit()
