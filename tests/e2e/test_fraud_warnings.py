"""Stolen cards at the desk: two are given back in a batch, one buyer confirms, and nobody can change it afterwards."""

import os

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import Scheme, Visitor, visiting
from tests.sandbox.client import Sandbox
from tests.sandbox.money import charge_of, pay
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PASSWORD = "four unrelated words"
STOLEN = "pm_card_createIssuerFraudRecord"
SHOTS = os.environ.get("SCREENSHOTS", "")
DESK = "/admin/fraud-warnings/"


def shoot(visitor: Visitor, name: str) -> None:
    if SHOTS:
        visitor.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_warned_payments_are_given_back_or_confirmed(
    browser: Browser, stack: Stack, sandbox: Sandbox, width: str, scheme: Scheme
) -> None:
    client, name = sandbox.stripe(), f"{width}-{scheme}"
    stolen = [charge_of(pay(client, STOLEN, amount, "eur")).id for amount in (12_500, 4_200)]
    known = charge_of(pay(client, STOLEN, 3_300, "eur")).id
    warnings = {one["charge"]: one["id"] for one in sandbox.objects("radar.early_fraud_warning")}
    stack.run("sync", "run")
    stack.run("staff", "add", "lea@shop.example", "--role", "admin", "--password-stdin", given=PASSWORD)

    with visiting(browser, stack.url, width, scheme) as lea:
        lea.sign_in("lea@shop.example", PASSWORD)
        lea.open("/admin/fraud-rules/")
        lea.page.get_by_label("When their risk is").select_option("normal")
        lea.click("Set the rule")
        assert "whatever its risk" in lea.words
        shoot(lea, f"{name}-rule")

        lea.open(DESK)
        shoot(lea, f"{name}-desk")
        assert lea.page.locator("tbody input[type=checkbox]:checked").count() == 3
        lea.page.locator(f"input[value={known}]").uncheck()
        lea.click("Refund chosen")
        assert set(lea.page.get_by_label("Payments, one in each line").input_value().split()) == set(stolen)
        lea.page.get_by_label("In your words").fill("The cards were stolen")
        lea.click("Check the list")
        assert "Can be refunded" in lea.words
        lea.page.get_by_role("button", name="Start").click()
        lea.page.locator("dialog[open]").get_by_role("button", name="Start").click()

        expect(lea.page.locator("main")).to_contain_text("Running")
        stack.run("jobs", "run", "run_refund_batches")
        assert {one["charge"] for one in sandbox.objects("refund")} == set(stolen)

        lea.open(DESK + warnings[known])
        shoot(lea, f"{name}-open")
        lea.page.get_by_label("Confirmed by the customer").check()
        lea.page.get_by_label("Why").fill("He called and knows the purchase")
        lea.click("Resolve")
        expect(lea.page.locator("main")).to_contain_text("Resolved, for good.")
        stack.run("sync", "run")
        stack.run("jobs", "run", "settle_fraud_warnings")
        lea.open(f"{DESK}?state=resolved")
        shoot(lea, f"{name}-resolved")
        assert (lea.words.count("Refunded"), "Confirmed by the customer" in lea.words) >= (2, True)
        lea.open(DESK + warnings[known])
        shoot(lea, f"{name}-confirmed")
        assert "He called and knows the purchase" in lea.words
        assert lea.page.get_by_role("button", name="Resolve").count() == 0
