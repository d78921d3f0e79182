"""The product as it runs, and a browser that notices every fault of a page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.visitor import CHROMIUM, QUIET
from tests.sandbox.client import Sandbox
from tests.stack import Stack
from tests.world import WEBHOOK_SECRET


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


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
