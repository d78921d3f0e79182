"""An agent asks for more than they may give back alone; a lead agrees; Stripe has one refund, and the trail names both."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import visiting
from tests.sandbox.client import Sandbox
from tests.sandbox.money import charge_of, pay
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PASSWORD = "four unrelated words"


def test_above_the_limit_a_lead_agrees(browser: Browser, stack: Stack, sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client, "pm_card_visa", 180_000, "eur"))
    stack.run("sync", "run")
    for email, role in [("ana@shop.example", "support"), ("lea@shop.example", "support_lead")]:
        stack.run("staff", "add", email, "--role", role, "--password-stdin", given=PASSWORD)

    with visiting(browser, stack.url) as ana:
        ana.sign_in("ana@shop.example", PASSWORD)
        ana.open(f"/admin/refunds/new?charge={charge.id}")
        assert "From 1,000.00 EUR on, another person has to agree" in ana.words
        ana.page.get_by_label("Amount").fill("1200")
        ana.page.get_by_label("Reason").select_option(index=1)
        ana.page.get_by_label("In your words").fill("The whole order was lost in the post.")
        ana.click("Refund")
        request_page = ana.page.url
        expect(ana.page.locator("main")).to_contain_text("Waits for one more person.")
        assert sandbox.requests(method="POST", path="/v1/refunds") == []

    with visiting(browser, stack.url, "phone", "dark") as lea:
        lea.sign_in("lea@shop.example", PASSWORD)
        lea.open("/admin/approvals/?queue=decide")
        assert "Refund 1200.00 EUR" in lea.words
        lea.page.goto(request_page)
        lea.look()
        lea.page.get_by_role("button", name="Approve").first.click()
        lea.page.get_by_label("In your words").first.fill("The carrier confirms it.")
        with lea.page.expect_navigation():
            lea.page.locator("dialog[open]").get_by_role("button", name="Approve").click()
        lea.look()
        assert "Done. Refunded 1200.00 EUR." in lea.words
        assert "lea@shop.example agreed to what ana@shop.example asked for" in lea.words

    [refund] = client.v1.refunds.list({"charge": charge.id}).data
    assert (refund.amount, refund.status) == (120_000, "succeeded")
    [write] = sandbox.requests(method="POST", path="/v1/refunds")
    assert write["idempotency_key"] == f"refund:{refund.metadata['counterfoil_refund']}"
