"""Held money: an agent takes part of one payment, lets another go, and a lead approves a third; the trail holds all of it."""

import os

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import Scheme, Visitor, visiting
from tests.sandbox.client import Sandbox
from tests.sandbox.money import charge_of, pay
from tests.stack import Stack, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PASSWORD = "four unrelated words"
SHOTS = os.environ.get("SCREENSHOTS", "")


def shoot(visitor: Visitor, name: str) -> None:
    if SHOTS:
        visitor.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_held_money_is_taken_in_part_or_let_go(
    browser: Browser, stack: Stack, sandbox: Sandbox, width: str, scheme: Scheme
) -> None:
    client, name = sandbox.stripe(), f"{width}-{scheme}"
    customer = client.v1.customers.create({"email": "mona@example.com", "name": "Mona Berg"})
    taken, dropped = (
        pay(client, "pm_card_visa", amount, "eur", customer=customer.id, capture_method="manual")
        for amount in (10_000, 3_000)
    )
    doubtful = charge_of(pay(client, "pm_card_visa", 2_500, "eur", customer=customer.id))
    review = sandbox.control("POST", "money/review", {"charge": doubtful.id, "by": "rule"})["id"]
    stack.run("sync", "run")
    for email, role in [("ana@shop.example", "support"), ("lea@shop.example", "admin")]:
        stack.run("staff", "add", email, "--role", role, "--password-stdin", given=PASSWORD)

    with visiting(browser, stack.url, width, scheme) as ana:
        ana.sign_in("ana@shop.example", PASSWORD)
        ana.open("/admin/authorisations/")
        shoot(ana, f"{name}-queue")
        assert ana.page.locator("tbody tr").count() == 2
        ana.open(f"/admin/charges/{charge_of(taken).id}")
        shoot(ana, f"{name}-held")
        ana.click("Capture", role="link")
        shoot(ana, f"{name}-capture")
        ana.page.get_by_label("Amount").fill("70")
        ana.click("Capture")

        def settled() -> bool:
            ana.page.goto(f"{stack.url}/admin/charges/{charge_of(taken).id}")
            return "charge.captured" not in ana.words and "Captured" in ana.words and "30.00" in ana.words

        eventually(settled)
        ana.look()
        shoot(ana, f"{name}-captured")
        assert "Released" in ana.words
        ana.open(f"/admin/payments/{taken.id}")
        shoot(ana, f"{name}-intent")
        assert "asked to capture 70.00 EUR" in ana.words

        ana.open(f"/admin/payments/{dropped.id}")
        ana.click("Cancel payment", role="link")
        ana.page.get_by_label("Reason").select_option("duplicate")
        ana.click("Cancel payment")
        expect(ana.page.locator("main")).to_contain_text("Paid or ordered twice")
        ana.open("/admin/payments/")
        shoot(ana, f"{name}-intents")

    with visiting(browser, stack.url, width, scheme) as lea:
        lea.sign_in("lea@shop.example", PASSWORD)
        lea.open("/admin/reviews/")
        shoot(lea, f"{name}-reviews")
        lea.open(f"/admin/reviews/{review}")
        shoot(lea, f"{name}-review")
        lea.page.get_by_label("Why").fill("Called Mona, it was her.")
        lea.click("Approve")
        expect(lea.page.locator("main")).to_contain_text("Approved")
        for page in ("block-list/", "block-list/new", "blocked-payments/", "gateway-calls/"):
            lea.open(f"/admin/{page}")
            shoot(lea, f"{name}-{page.strip('/').replace('/', '-')}")
        lea.open("/admin/audit/?q=ana@shop.example")
        for said in ("asked to capture 70.00 EUR", "asked to cancel", "duplicate"):
            assert said in lea.words

    assert client.v1.payment_intents.retrieve(taken.id).amount_received == 7_000
    assert client.v1.payment_intents.retrieve(dropped.id).cancellation_reason == "duplicate"
    assert client.v1.reviews.retrieve(review).closed_reason == "approved"
