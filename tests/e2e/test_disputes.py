"""An analyst's disputes in a browser: one that can be fought, with a receipt in one click, and one that cannot."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import visiting
from tests.sandbox.client import Sandbox
from tests.sandbox.money import debit, pay
from tests.stack import Stack, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
PASSWORD = "four unrelated words"
DISPUTED_IBAN = "DE35370400440532013002"


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_a_debit_cannot_be_fought_and_a_card_payment_is_with_its_receipt(
    browser: Browser, stack: Stack, sandbox: Sandbox, width: str
) -> None:
    client = sandbox.stripe()
    debit(client, DISPUTED_IBAN)
    pay(client, "pm_card_createDispute", 4_250, "eur")
    sandbox.advance(60)
    final, card = sorted(sandbox.objects("dispute"), key=lambda one: str(one["status"]))
    assert (final["status"], card["status"]) == ("lost", "needs_response")
    stack.run("sync", "run")
    stack.run("staff", "add", "ana@shop.example", "--role", "dispute_analyst", "--password-stdin", given=PASSWORD)

    with visiting(browser, stack.url, width) as ana:
        ana.sign_in("ana@shop.example", PASSWORD)
        ana.open(f"/admin/disputes/{final['id']}")
        assert "Disputes of SEPA debits are final." in ana.words
        assert ana.page.get_by_role("link", name="Write evidence").count() == 0
        assert ana.page.get_by_role("link", name="Accept and lose it").count() == 0
        ana.open(f"/admin/disputes/{final['id']}/evidence")
        assert "There is no form." in ana.words
        assert ana.page.locator("main textarea, main input, main button[type=submit]").count() == 0

        ana.open(f"/admin/disputes/{card['id']}")
        ana.click("Write evidence", role="link")
        ana.page.get_by_label("Name", exact=True).fill("Mona Berg")
        ana.click("Attach it")
        expect(ana.page.locator("main")).to_contain_text(f"receipt-{card['charge']}.pdf")
        assert ana.page.get_by_role("button", name="Attach it").count() == 0
        assert ana.page.get_by_label("Name", exact=True).input_value() == "Mona Berg"

    def arrived() -> bool:
        evidence = next(one for one in sandbox.objects("dispute") if one["id"] == card["id"])["evidence"]
        return bool(evidence["receipt"]) and evidence["customer_name"] == "Mona Berg"

    eventually(arrived)
    [file] = sandbox.objects("file")
    assert (file["purpose"], file["type"]) == ("dispute_evidence", "pdf")
