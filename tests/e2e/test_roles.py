"""A day at the desk for every role that no other journey follows, from signing in to what they came for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.visitor import Scheme, Visitor, visiting
from tests.sandbox.client import Sandbox
from tests.sandbox.money import charge_of, pay
from tests.stack import Stack, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PASSWORD = "four unrelated words"
ROLES = ("admin", "finance", "dispute_analyst", "developer", "auditor", "view_only")


def email(role: str) -> str:
    return f"{role.replace('_', '-')}@shop.example"


@pytest.mark.parametrize(("width", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_every_role_gets_its_work_done(
    browser: Browser, stack: Stack, sandbox: Sandbox, width: str, scheme: Scheme
) -> None:
    client = sandbox.stripe()
    mona = client.v1.customers.create({"email": "mona.berg@example.com", "name": "Mona Berg"})
    paid = charge_of(pay(client, "pm_card_visa", 4_200, "eur", customer=mona.id))
    pay(client, "pm_card_createDispute", 9_900, "usd")
    [dispute] = client.v1.disputes.list().data
    stack.run("sync", "run")
    for role in ROLES:
        stack.run("staff", "add", email(role), "--role", role, "--password-stdin", given=PASSWORD)

    visit = _Days(browser, stack, width, scheme)
    with visit.of("dispute_analyst") as analyst:
        submit_evidence(analyst, dispute.id)
    assert client.v1.disputes.retrieve(dispute.id).evidence_details.submission_count == 1
    with visit.of("finance") as finance:
        give_part_back(finance, paid.id)
    [refund] = client.v1.refunds.list({"charge": paid.id}).data
    assert (refund.amount, refund.status) == (1_200, "succeeded")
    with visit.of("developer") as developer:
        follow_the_call(developer)
    with visit.of("view_only") as guest:
        see_no_address(guest, mona.id, paid.id)
    with visit.of("admin") as admin:
        make_an_auditor_of(admin, email("view_only"))
    with visit.of("auditor") as auditor:
        read_what_was_done(auditor)


def submit_evidence(analyst: Visitor, dispute_id: str) -> None:
    analyst.open("/admin/disputes/")
    analyst.open(f"/admin/disputes/{dispute_id}")
    analyst.click("Write evidence", role="link")
    analyst.page.get_by_label("What was sold").fill("Two kilograms of roasted coffee, collected in the shop.")
    analyst.click("Save draft")
    analyst.open(f"/admin/disputes/{dispute_id}/submit")
    analyst.page.get_by_label(re.compile("sent only once")).check()
    analyst.click("Submit to the bank")


def give_part_back(finance: Visitor, charge_id: str) -> None:
    finance.open("/admin/payouts/")
    finance.open(f"/admin/charges/{charge_id}")
    expect(finance.page.locator("main")).to_contain_text("Where the money went")
    finance.click("Refund", role="link")
    finance.page.get_by_label("Amount").fill("12.00")
    finance.page.get_by_label("Reason").select_option(index=1)
    finance.page.get_by_label("In your words").fill("One bag was missing.")
    finance.click("Refund")


def follow_the_call(developer: Visitor) -> None:
    eventually(lambda: _says(developer, "/admin/webhooks/", "refund.created"))
    developer.look()
    developer.open("/admin/gateway-calls/")
    call = developer.page.get_by_role("row").filter(has_text="/v1/refunds").first
    with developer.page.expect_navigation():
        call.get_by_role("link").first.click()
    developer.look()
    expect(developer.page.locator("main")).to_contain_text("refund:")


def see_no_address(guest: Visitor, customer_id: str, charge_id: str) -> None:
    guest.open(f"/admin/customers/{customer_id}")
    assert "mona.berg@example.com" not in guest.page.content()
    guest.open(f"/admin/charges/{charge_id}")
    assert "mona.berg@example.com" not in guest.page.content()
    assert guest.page.get_by_role("link", name="Refund", exact=True).count() == 0


def make_an_auditor_of(admin: Visitor, person: str) -> None:
    admin.open("/admin/staff/")
    with admin.page.expect_navigation():
        admin.page.get_by_role("link", name=person).first.click()
    admin.look()
    admin.page.get_by_label("Role").select_option("auditor")
    admin.click("Change role")
    expect(admin.page.locator("main")).to_contain_text("Auditor")


def read_what_was_done(auditor: Visitor) -> None:
    auditor.open("/admin/audit/")
    for said in (
        "finance@shop.example asked for a refund of 12.00 EUR",
        "admin@shop.example changed the role of view-only@shop.example from view_only to auditor",
    ):
        assert said in auditor.words


def _says(person: Visitor, path: str, words: str) -> bool:
    person.page.goto(person.base + path)
    return words in person.words


class _Days:
    """Windows of one width and colour; each person signs in anew."""

    def __init__(self, browser: Browser, stack: Stack, width: str, scheme: Scheme) -> None:
        self._browser, self._stack, self._width, self._scheme = browser, stack, width, scheme

    @contextmanager
    def of(self, role: str) -> Iterator[Visitor]:
        with visiting(self._browser, self._stack.url, self._width, self._scheme) as person:
            person.sign_in(email(role), PASSWORD)
            yield person
