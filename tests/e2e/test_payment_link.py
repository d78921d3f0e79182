"""Somebody at the desk makes a payment link; its customer thinks twice, is declined, pays, and comes back to the truth."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import Scheme, visiting
from tests.sandbox.client import Sandbox
from tests.sandbox.money import charge_of, pay
from tests.stack import Stack, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PASSWORD = "four unrelated words"
CARD = {"Expiry date": "11/34", "Security code": "123", "Name on the card or account": "Jo Mora"}


@pytest.mark.parametrize(("width", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_a_link_is_made_paid_and_seen_at_the_desk(
    browser: Browser, stack: Stack, sandbox: Sandbox, width: str, scheme: Scheme
) -> None:
    charge_of(pay(sandbox.stripe(), "pm_card_visa", 1_000, "eur"))
    stack.run("sync", "run")
    stack.run("staff", "add", "ana@shop.example", "--role", "support", "--password-stdin", given=PASSWORD)

    with visiting(browser, stack.url, width, scheme) as ana, visiting(browser, stack.url, width, scheme) as jo:
        ana.sign_in("ana@shop.example", PASSWORD)
        ana.open("/admin/payment_links/")
        ana.click("Make a link", role="link")
        ana.page.get_by_label("What is paid for").fill("Darjeeling, 250 g")
        ana.page.get_by_label("Amount").fill("30")
        ana.click("Make the link")
        link_page = ana.page.url
        address = ana.page.locator(".pay-address code").inner_text()

        jo.open(address.removeprefix(stack.url))
        expect(jo.page.locator("main")).to_contain_text("30.00")
        jo.click("Go on to pay")
        with jo.page.expect_navigation():
            jo.page.get_by_role("link", name="Back").first.click()
        jo.look()
        assert "Nothing was paid" in jo.words

        jo.click("Go on to pay")
        jo.page.get_by_label("Email", exact=True).fill("jo@example.com")
        for number in ("4000 0000 0000 9995", "5555 5555 5555 4444"):
            for label, value in {"Card number": number, **CARD}.items():
                jo.page.get_by_label(label, exact=True).fill(value)
            jo.click("Pay €30.00")
        assert "Paid. Thank you" in jo.words
        assert jo.page.url.startswith(f"{stack.url}/checkout/visit/")
        jo.page.goto(address)  # not looked at: the browser itself notes in its console that the link is gone
        assert "This was paid already" in jo.words

        def seen() -> bool:
            ana.page.goto(link_page)
            return "Used up" in ana.words and "Left without paying" in ana.words

        eventually(seen)
        ana.look()
        ana.page.get_by_role("link", name="pi_").first.click()
        expect(ana.page.locator("main")).to_contain_text("30.00")
