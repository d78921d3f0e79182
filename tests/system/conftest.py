"""The product in this process, with a real sandbox as its Stripe."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import db
from tests.sandbox.client import Sandbox
from tests.stack import Stack
from tests.system.browser import PASSWORD
from tests.system.shop import Shop
from tests.world import WEBHOOK_SECRET, application

ANA = "ana@shop.example"


@pytest.fixture
def shop(database_url: str, instance_dir: Path, sandbox: Sandbox) -> Iterator[Shop]:
    app = application(database_url, instance_dir, stripe_api_base=sandbox.url)
    with app.app_context():
        yield Shop(app, sandbox)
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def stack(shop: Shop, database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    """Web and jobs beside the shop of this test; no webhooks, so that nothing but the recovery can help."""
    running = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    running.run("staff", "add", ANA, "--role", "support", "--password-stdin", given=PASSWORD)
    try:
        running.start_web()
        yield running
    finally:
        running.stop()
