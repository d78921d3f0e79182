"""Somebody who never touches the mouse finds a person from any page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from app.database import db
from tests import factories
from tests.e2e.visitor import Scheme, visiting
from tests.stack import Stack, free_port
from tests.world import WEBHOOK_SECRET

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PASSWORD = "four unrelated words"


@pytest.fixture
def desk(committed: Flask, tmp_path: Path) -> Iterator[Stack]:
    """A shop with a few people, and the desk as it runs."""
    for name in ("Mona Berg", "<img src=x onerror=alert(1)> Bergson", "Otto Lind"):
        customer = factories.customer(name=name)
        factories.charge(customer_id=customer.id, status="failed", decline_code="lost_card", amount=612_500)
        factories.refund(factories.charge(customer_id=customer.id))
    url = db.engine.url.render_as_string(hide_password=False)
    db.session.remove()
    stack = Stack(url, f"http://127.0.0.1:{free_port()}", WEBHOOK_SECRET, tmp_path / "stack")
    try:
        stack.run("staff", "add", "ana@shop.example", "--role", "admin", "--password-stdin", given=PASSWORD)
        stack.start_web()
        yield stack
    finally:
        stack.stop()


@pytest.mark.parametrize(("width", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_everything_is_a_few_keys_away(browser: Browser, desk: Stack, width: str, scheme: Scheme) -> None:
    with visiting(browser, desk.url, width, scheme) as ana:
        ana.page.on("dialog", lambda dialog: ana.complaints.append(dialog.message))
        ana.sign_in("ana@shop.example", PASSWORD)
        ana.open("/admin/refunds/")
        if width == "phone":
            ana.page.get_by_role("button", name="Go to").click()
        else:
            ana.page.keyboard.press("Control+k")
        ana.page.keyboard.type("berg")
        options = ana.page.locator("#palette").get_by_role("option")
        expect(options.first).to_contain_text("Mona Berg")
        ana.look()
        ana.page.keyboard.press("ArrowDown")
        expect(options.nth(1)).to_have_attribute("aria-selected", "true")
        ana.page.keyboard.press("ArrowUp")
        with ana.page.expect_navigation():
            ana.page.keyboard.press("Enter")
        assert "Mona Berg" in ana.words

        ana.open("/admin/search/?q=status:failed amount:>5000")
        assert "6,125.00" in ana.words
        ana.open("/admin/search/")
        ana.open("/admin/charges/")
        ana.page.keyboard.press("j")
        ana.page.keyboard.press("j")
        assert ana.page.locator("tr[data-at]").count() == 1
        with ana.page.expect_navigation():
            ana.page.keyboard.press("Enter")
        assert "/admin/charges/ch_" in ana.page.url
        ana.page.keyboard.press("Shift+?")
        expect(ana.page.get_by_role("heading", name="Keyboard")).to_be_visible()
        ana.look()
