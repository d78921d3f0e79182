"""An agent finds a payment, gives part of it back, sees it settle, and finds it in the trail."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import Scheme, visiting
from tests.sandbox.client import Sandbox
from tests.sandbox.money import charge_of, pay
from tests.stack import Stack, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PASSWORD = "four unrelated words"
THREE_DAYS = 3 * 24 * 3600


@pytest.mark.parametrize(
    ("width", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_part_of_a_payment_goes_back(
    browser: Browser, stack: Stack, sandbox: Sandbox, width: str, scheme: Scheme
) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"email": "mona@example.com", "name": "Mona Berg"})
    charge = charge_of(pay(client, "pm_card_pendingRefund", 4_250, "eur", customer=customer.id))
    stack.run("sync", "run")
    for email, role in [("ana@shop.example", "support"), ("otto@shop.example", "auditor")]:
        stack.run("staff", "add", email, "--role", role, "--password-stdin", given=PASSWORD)

    with visiting(browser, stack.url, width, scheme) as ana:
        ana.sign_in("ana@shop.example", PASSWORD)
        ana.open("/admin/charges/?q=mona@example.com")
        assert ana.page.locator("tbody tr").count() == 1
        ana.open(f"/admin/charges/{charge.id}")
        assert "42.50" in ana.words
        ana.click("Refund", role="link")
        ana.page.get_by_label("Amount").fill("10.5")
        ana.page.get_by_label("Reason").select_option(index=1)
        ana.page.get_by_label("In your words").fill("One of two boxes arrived broken.")
        ana.click("Refund")
        refund_page = ana.page.url
        expect(ana.page.locator("main")).to_contain_text("Pending")
        expect(ana.page.locator("main")).to_contain_text("10.50")

        # Stripe settles it days later and says so by webhook; nobody clicks anything here.
        sandbox.advance(THREE_DAYS)

        def settled() -> bool:
            ana.page.goto(refund_page)
            return "Succeeded" in ana.words

        eventually(settled)
        ana.look()
        ana.open(f"/admin/charges/{charge.id}")
        assert "Partly refunded" in ana.words

    with visiting(browser, stack.url, width, scheme) as otto:
        otto.sign_in("otto@shop.example", PASSWORD)
        otto.open("/admin/audit/?q=ana@shop.example")
        assert "One of two boxes arrived broken." in otto.words
        assert "ana@shop.example" in otto.words

    [refund] = client.v1.refunds.list({"charge": charge.id}).data
    assert (refund.amount, refund.status) == (1_050, "succeeded")
    writes = sandbox.requests(method="POST", path="/v1/refunds")
    assert [write["idempotency_key"] for write in writes] == [f"refund:{refund.metadata['counterfoil_refund']}"]
