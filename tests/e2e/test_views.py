"""Somebody who never touches the mouse chooses columns, keeps what they see, and walks through the lines as before."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from app.database import db
from tests import factories
from tests.e2e.visitor import Scheme, visiting
from tests.stack import Stack, free_port
from tests.world import WEBHOOK_SECRET

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PASSWORD = "four unrelated words"


@pytest.fixture
def desk(committed: Flask, tmp_path: Path) -> Iterator[Stack]:
    """Three payments, and the desk as it runs."""
    for number in range(3):
        factories.charge(id=f"ch_{number}", created_at=factories.NOON + timedelta(minutes=number))
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
def test_columns_are_moved_and_kept_by_keyboard(browser: Browser, desk: Stack, width: str, scheme: Scheme) -> None:
    with visiting(browser, desk.url, width, scheme) as ana:
        ana.sign_in("ana@shop.example", PASSWORD)
        ana.open("/admin/charges/")
        page = ana.page

        page.locator(".drop-columns > summary").press("Enter")
        move = page.get_by_role("button", name="Move Payment up")
        for _ in range(2):
            move.press("Enter")
        expect(move).to_be_focused()
        expect(page.locator("[data-columns-said]")).to_contain_text("Payment: place 6 of 8")
        page.get_by_role("checkbox", name="Tick").press("Space")
        ana.look()
        with page.expect_navigation():
            page.get_by_role("button", name="Show these").press("Enter")
        assert page.url.endswith("?cols=amount,status,customer,method,id,decline,created")

        page.locator(".drop-views > summary").press("Enter")
        page.get_by_label("Keep these filters").fill("Ids early")
        ana.look()
        with page.expect_navigation():
            page.get_by_label("Keep these filters").press("Enter")
        assert "Kept as “Ids early”" in ana.words
        assert "?view=" in page.url
        ana.look()

        # Escape closes what is open; the keys of the list go on as before.
        page.locator(".drop-views > summary").press("Enter")
        page.keyboard.press("Escape")
        expect(page.locator(".drop-views")).not_to_have_attribute("open", "")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.url.endswith("/admin/charges/ch_2")
