"""The product as it runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.client import Sandbox
from tests.stack import Stack
from tests.world import WEBHOOK_SECRET


@pytest.fixture
def stack(database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    """Web and jobs, with Stripe's webhooks coming in."""
    running = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    try:
        running.start_web()
        sandbox.endpoint(f"{running.url}/webhooks/stripe", WEBHOOK_SECRET)
        yield running
    finally:
        running.stop()
