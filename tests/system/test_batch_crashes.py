"""A worker that is killed in the middle of a batch: each payment is given back exactly once."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from app.actor import Actor
from app.database import db
from app.models.refund import Refund
from app.models.refund_batch import RefundBatch
from app.refunds.batches import operations
from app.refunds.batches.reading import read_text
from tests import factories
from tests.sandbox.client import Sandbox
from tests.stack import Stack, eventually
from tests.system.browser import PASSWORD
from tests.system.shop import Shop
from tests.world import WEBHOOK_SECRET

pytestmark = pytest.mark.timeout(300)
ANA = "ana@shop.example"


@pytest.fixture
def stack(shop: Shop, database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    running.run("staff", "add", ANA, "--role", "support", "--password-stdin", given=PASSWORD)
    try:
        yield running
    finally:
        running.stop()


def test_killed_twice_in_the_middle_each_line_is_one_refund(shop: Shop, stack: Stack) -> None:
    charges = [shop.pay() for _ in range(24)]
    ana = Actor("staff", ANA)
    lines = read_text("\n".join(f"{charge_id}, 1.00" for charge_id in charges))
    batch = operations.make(
        lines,
        batch_id=uuid4(),
        account_id=factories.account().id,
        name="list",
        reason="goodwill",
        words="Storm damage",
        actor=ana,
    )
    operations.start(batch.id, actor=ana)

    for made in (5, 12):
        stack.start_jobs()
        eventually(lambda made=made: len(shop.made()) >= made, within=60)  # type: ignore[misc]
        stack.kill("jobs")
    stack.start_jobs()
    eventually(lambda: _state(batch.id) == "done" and _statuses() == {"succeeded"}, within=120)

    assert sorted(made["charge"] for made in shop.made()) == sorted(charges)
    assert len(shop.keys()) == 24
    assert shop.acts().count(("refund.requested", "staff")) == 24
    assert shop.acts().count(("refund.answered", "stripe")) == 24


def _state(batch_id: object) -> str:
    db.session.rollback()
    return db.session.get_one(RefundBatch, batch_id, populate_existing=True).state


def _statuses() -> set[str]:
    db.session.rollback()
    return {status for (status,) in db.session.query(Refund.status)}
