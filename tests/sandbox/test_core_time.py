"""The world clock, what waits for it, and what a killed sandbox remembers."""

import json
from collections.abc import Iterator

import pytest
import requests

from app.sandbox.errors import StripeError
from app.sandbox.routes import timer
from app.sandbox.timers import Timers
from app.sandbox.tx import Tx
from app.sandbox.world import World
from tests.sandbox.client import Sandbox
from tests.sandbox.conftest import Mailbox
from tests.servers import drop_database, fresh_database

DAY = 86_400
START = 1_800_000_000


@timer("tests.note")
def note(tx: Tx, name: str, again: int = 0) -> None:
    """Leave a mark that says when this ran; `again` more times, a day apart."""
    tx.put({"id": f"cus_{name}", "object": "customer", "created": tx.now})
    if again:
        tx.later(tx.now + DAY, "tests.note", name=f"{name}+", again=again - 1)


@timer("tests.fail")
def fail(tx: Tx, how: str) -> None:
    tx.put({"id": "cus_never", "object": "customer", "created": tx.now})
    raise StripeError("no") if how == "refusal" else ZeroDivisionError


@pytest.fixture
def world() -> Iterator[World]:
    url = fresh_database()
    world = World(url)
    world.remember("frozen_at", START)
    yield world
    world.pool.forget_idle()
    drop_database(url)


def marks(world: World) -> list[tuple[str, int]]:
    with world.transaction() as tx:
        return [(one["id"], one["created"] - START) for one in reversed(tx.find("customer"))]


def test_tasks_run_in_order_each_at_its_own_moment(world: World) -> None:
    with world.transaction() as tx:
        tx.later(START + 30, "tests.note", name="late")
        tx.later(START + 10, "tests.note", name="early")
        tx.later(START + 100, "tests.note", name="not_yet")

    assert Timers(world).advance(START + 60) == 2

    assert marks(world) == [("cus_early", 10), ("cus_late", 30)]
    assert world.now == START + 60


def test_what_a_task_plans_runs_on_the_way(world: World) -> None:
    with world.transaction() as tx:
        tx.later(START + DAY, "tests.note", name="a", again=9)

    assert Timers(world).advance(START + 5 * DAY) == 5

    assert [when for _, when in marks(world)] == [DAY, 2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY]


@pytest.mark.parametrize("how", ["refusal", "crash"])
def test_a_failing_task_leaves_nothing_and_holds_up_nobody(world: World, how: str) -> None:
    with world.transaction() as tx:
        tx.later(START + 1, "tests.fail", how=how)
        tx.later(START + 2, "tests.nobody_knows_this")
        tx.later(START + 3, "tests.note", name="after")
    timers = Timers(world)

    timers.advance(START + 10)

    assert marks(world) == [("cus_after", 3)]
    assert timers.run_due(START + 1000) == 0


def test_a_refused_request_plans_nothing(world: World) -> None:
    with pytest.raises(StripeError), world.transaction() as tx:
        tx.later(START + 1, "tests.note", name="never")
        tx.put({"id": "cus_never", "object": "customer", "created": 1})
        raise StripeError("no")

    assert Timers(world).advance(START + 10) == 0
    assert marks(world) == []


def test_reads_see_what_was_put_before(world: World) -> None:
    with world.transaction() as tx:
        tx.put({"id": "ch_1", "object": "charge", "created": 1, "customer": "cus_1", "amount": 1})
        found = tx.get("charge", "ch_1")
        assert found is not None
        found["amount"] = 2
        assert tx.require("charge", "ch_1")["amount"] == 1
        assert [one["id"] for one in tx.find("charge", customer="cus_1")] == ["ch_1"]
        tx.put(found)
        assert tx.find("charge", customer="cus_1")[0]["amount"] == 2
        assert tx.find("charge", customer="cus_2") == []
        with pytest.raises(StripeError, match="No such customer: 'cus_9'") as refusal:
            tx.require("customer", "cus_9", param="customer")
        assert (refusal.value.status, refusal.value.param) == (400, "customer")


def test_the_clock_moves_by_request(sandbox: Sandbox) -> None:
    before = sandbox.control("GET", "clock")["now"]

    after = sandbox.advance(60 * DAY)
    back = sandbox.control("POST", "clock", {"to": before})

    assert 0 <= after["now"] - before - 60 * DAY <= 5
    assert 0 <= back["now"] - before <= 5
    refused = requests.post(f"{sandbox.url}/_control/clock", json={}, timeout=5)
    assert refused.status_code == 400


def test_a_killed_sandbox_goes_on_where_it_was(own_sandbox: Sandbox, mailbox: Mailbox) -> None:
    own_sandbox.endpoint(mailbox.url, "whsec_x")
    own_sandbox.delivery("hold")
    own_sandbox.advance(10 * DAY)
    form = {"url": "http://127.0.0.1:9/", "enabled_events[]": "none.such"}
    first = own_sandbox.call("POST", "/v1/webhook_endpoints", form, headers={"Idempotency-Key": "k"})
    own_sandbox.put({"id": "ch_1", "object": "charge", "created": 1}, event="charge.updated")
    own_sandbox.wait_for(lambda: own_sandbox.requests("POST")[0]["status"])
    port = own_sandbox.port

    own_sandbox.restart()

    assert own_sandbox.port == port
    assert own_sandbox.control("GET", "clock")["offset"] in (10 * DAY, 10 * DAY - 1, 10 * DAY + 1)
    again = own_sandbox.call("POST", "/v1/webhook_endpoints", form, headers={"Idempotency-Key": "k"})
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert mailbox.bodies == []
    own_sandbox.delivery("release")
    own_sandbox.wait_until_delivered()
    assert len(mailbox.bodies) == 1


def test_what_was_being_sent_when_it_died_is_sent_again(own_sandbox: Sandbox, mailbox: Mailbox) -> None:
    own_sandbox.endpoint(mailbox.url, "whsec_x")
    objects = [{"id": f"ch_{number}", "object": "charge", "created": number} for number in range(300)]

    own_sandbox.put(*objects, event="charge.updated")
    own_sandbox.wait_for(lambda: len(mailbox.bodies) > 5)
    own_sandbox.restart()
    own_sandbox.wait_until_delivered()

    whole = [body for body in mailbox.bodies if body.endswith(b"}")]  # the kill may have cut one short
    assert {json.loads(body)["data"]["object"]["id"] for body in whole} == {one["id"] for one in objects}


def test_it_serves_again_after_its_connections_were_cut(own_sandbox: Sandbox) -> None:
    import psycopg2

    own_sandbox.put({"id": "ch_1", "object": "charge", "created": 1})
    conn = psycopg2.connect(own_sandbox.database_url)
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    conn.close()

    assert own_sandbox.get("/v1/charges/ch_1")["id"] == "ch_1"
    assert own_sandbox.control("GET", "health")["ok"] is True
