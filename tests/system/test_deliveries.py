"""Deliveries as Stripe makes them, to two instances of the product: twenty times, in any order, at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from app.database import db
from jobs.understand_events import understand_events
from tests import invariants
from tests.sandbox.client import Sandbox
from tests.stack import Stack, eventually
from tests.system.browser import PASSWORD, Visitor
from tests.system.sending import Obj, send_all, told
from tests.system.shop import Shop, form
from tests.webhooks.signing import post
from tests.world import WEBHOOK_SECRET

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def instances(shop: Shop, database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[list[Stack]]:
    """Two web servers that share nothing but the database, and a worker."""
    stacks = [Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / name) for name in ("one", "two")]
    try:
        for stack in stacks:
            stack.start_web()
        stacks[0].start_jobs()
        yield stacks
    finally:
        for stack in stacks:
            stack.stop()


def counted(query: str) -> dict[str, int]:
    db.session.rollback()
    return {row[0]: row[1] for row in db.session.execute(text(query))}


def at_rest() -> bool:
    """No event waits and nothing is to be read."""
    db.session.rollback()
    waits = (
        "SELECT (SELECT count(*) FROM webhook_events WHERE state = 'waiting') + (SELECT count(*) FROM wanted_objects)"
    )
    return db.session.execute(text(waits)).scalar_one() == 0


def faults(stacks: list[Stack]) -> list[str]:
    lines = [line for stack in stacks for name in ("web", "jobs") for line in _log(stack, name)]
    return [line for line in lines if '"level":"error"' in line or "Traceback" in line or '"level":"warning"' in line]


def _log(stack: Stack, name: str) -> list[str]:
    return stack.log(name).splitlines() if (stack.folder / f"{name}.log").exists() else []


def test_each_of_a_hundred_events_twenty_times_at_once_over_two_instances(
    shop: Shop, sandbox: Sandbox, instances: list[Stack]
) -> None:
    shop.pay(known=False)
    client = sandbox.stripe()
    while len(sandbox.objects("event")) < 100:
        client.v1.customers.create({"name": "Ana", "email": "ana@example.com"})
    events = told(sandbox)[:100]

    statuses = send_all(instances, [event for event in events for _ in range(20)])

    assert set(statuses) == {200}
    assert len(statuses) == 2_000
    assert counted("SELECT 'events', count(*) FROM webhook_events") == {"events": 100}
    assert counted("SELECT 'times', sum(deliveries) FROM webhook_events") == {"times": 2_000}
    eventually(at_rest)
    assert faults(instances) == []
    invariants.hold(shop.app, sandbox, mirrored=False, all_heard=False)
    ours = counted("SELECT 'customers', count(*) FROM customers")
    assert ours == {"customers": len(sandbox.objects("customer"))}


def test_newest_first_a_minute_apart_ends_as_stripe_has_it(shop: Shop, sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"name": "Ana 0"})
    charge_id = shop.pay(card="pm_card_createDispute", known=False)
    [dispute] = sandbox.objects("dispute")
    for turn in range(1, 6):
        sandbox.advance(60)
        client.v1.customers.update(customer.id, {"name": f"Ana {turn}"})
        client.v1.charges.update(charge_id, {"description": f"Order {turn}"})
        client.v1.disputes.update(dispute["id"], {"metadata": {"turn": str(turn)}})
    about = {customer.id, charge_id, dispute["id"]}
    events = [event for event in told(sandbox) if event["data"]["object"]["id"] in about]
    web = shop.app.test_client()

    statuses = [post(web, event).status_code for event in reversed(events)]

    assert set(statuses) == {200}
    states = counted("SELECT state, count(*) FROM webhook_events GROUP BY state")
    assert states == {"processed": 3, "superseded": len(events) - 3}
    assert counted("SELECT name, 1 FROM customers") == {"Ana 5": 1}
    assert counted("SELECT description, 1 FROM charges") == {"Order 5": 1}
    assert counted("SELECT metadata ->> 'turn', 1 FROM disputes") == {"5": 1}
    understand_events()
    shop.catch_up()
    invariants.hold(shop.app, sandbox, all_heard=False)


def test_pairs_in_opposite_order_from_sixteen_senders_while_staff_refund_the_same_charges(
    shop: Shop, sandbox: Sandbox, instances: list[Stack]
) -> None:
    client = sandbox.stripe()
    charges = [shop.pay() for _ in range(5)]
    customers = [client.v1.customers.create({"name": "Ana"}).id for _ in range(5)]
    before = frozenset(event["id"] for event in sandbox.objects("event"))
    for turn in range(40):
        sandbox.advance(1)
        for charge_id, customer_id in zip(charges, customers, strict=True):
            client.v1.charges.update(charge_id, {"description": f"Order {turn}"})
            client.v1.customers.update(customer_id, {"name": f"Ana {turn}"})
    events = _in_opposite_order(told(sandbox, after=before))
    instances[0].run("staff", "add", "ana@shop.example", "--role", "support", "--password-stdin", given=PASSWORD)
    ana = Visitor(instances[1], "ana@shop.example")

    with ThreadPoolExecutor(1) as staff:
        clicks = [staff.submit(ana.post, "/admin/refunds/new", form(charge_id, "1.00")) for charge_id in charges]
        statuses = send_all(instances, events)
        assert {click.result().status_code for click in clicks} == {303}

    assert set(statuses) == {200}
    eventually(at_rest)
    assert [line for line in faults(instances) if "deadlock" in line.lower()] == []
    shop.catch_up()
    invariants.hold(shop.app, sandbox, all_heard=False)
    assert counted("SELECT description, count(*) FROM charges GROUP BY 1") == {"Order 39": 5}
    assert counted("SELECT name, count(*) FROM customers GROUP BY 1") == {"Ana 39": 5}


def _in_opposite_order(events: list[Obj]) -> list[Obj]:
    """Charge before customer, then customer before charge, and so on."""
    ordered: list[Obj] = []
    for at in range(0, len(events) - 1, 2):
        pair = sorted(events[at : at + 2], key=lambda event: str(event["type"]), reverse=bool(at // 2 % 2))
        ordered += pair
    return ordered
