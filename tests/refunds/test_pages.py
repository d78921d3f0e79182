"""Giving money back through the pages: what is typed, who may, what is clicked twice."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from app import clock
from app.database import db, transaction
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.refund import Refund
from tests import factories
from tests.desk import Desk, Page, staff
from tests.queries import counted
from tests.refunds.fake_gateway import FakeGateway

NEW = "/admin/refunds/new"


@pytest.fixture
def gateway(app: Flask) -> FakeGateway:
    app.extensions["gateway"] = FakeGateway()
    found: FakeGateway = app.extensions["gateway"]
    return found


def fill(desk: Desk, charge: Charge, **changes: str) -> dict[str, str]:
    """The form as the page gave it, with what the agent typed."""
    page = desk.get(f"{NEW}?charge={charge.id}")
    [form] = [form for form in page.forms if form.get("action") == NEW]
    hidden = {name: form[name] for name in ("charge", "promise", "amount")}
    return hidden | {"reason": "requested_by_customer", "words": "Sent the wrong size"} | changes


def send(desk: Desk, charge: Charge, *, expect: int = 303, **changes: str) -> Page:
    return desk.post(NEW, fill(desk, charge, **changes), expect=expect)


def nothing_happened(gateway: FakeGateway) -> bool:
    acts = db.session.query(AuditLog).filter(AuditLog.object_type == "refund").count()
    return (gateway.keys, db.session.query(Refund).count(), acts) == ([], 0, 0)


def test_a_part_is_refunded_from_the_form_and_its_page_says_so(app: Flask, gateway: FakeGateway) -> None:
    charge, ana = factories.charge(amount=5_000), staff(app, email="ana@shop.example")

    answer = send(ana, charge, amount="12.50")

    page = ana.get(answer.location or "")
    for fact in ("12.50 EUR", "Succeeded", "Asked for by ana@shop.example", "Sent the wrong size", "re_1"):
        assert fact in page.words, fact
    assert page.words.count("ana@shop.example asked for a refund of 12.50 EUR") == 1
    assert [made["amount"] for made in gateway.made.values()] == [1_250]


def test_the_form_begins_with_all_that_is_left(app: Flask) -> None:
    charge = factories.charge(amount=5_000)
    factories.refund(charge, amount=1_250)

    form = fill(staff(app), charge)

    assert form["amount"] == "37.50"
    assert UUID(form["promise"])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter an amount."),
        ("0", "Enter an amount above zero."),
        ("0.00", "Enter an amount above zero."),
        ("-1", "plain digits"),
        ("0.001", "EUR has 2 decimals, not more."),
        ("1e3", "plain digits"),
        ("10,00", "with a point and without separators"),
        ("１０", "plain digits"),
        ("10000000000000000000", "plain digits"),
        ("9999999999999999999", "too large"),
        ("NaN", "plain digits"),
        ("Infinity", "plain digits"),
        ("10.005", "EUR has 2 decimals, not more."),
        ("10.", "plain digits"),
        (".5", "plain digits"),
        ("+5", "plain digits"),
        ("5 EUR", "plain digits"),
        ("\0", "plain digits"),
    ],
)
def test_what_is_no_amount_is_said_at_the_field_and_asks_stripe_nothing(
    app: Flask, gateway: FakeGateway, typed: str, words: str
) -> None:
    charge = factories.charge(amount=5_000)

    page = send(staff(app), charge, amount=typed, expect=400)

    assert words in page.words
    assert nothing_happened(gateway)


def test_more_than_is_left_is_said_at_the_field(app: Flask, gateway: FakeGateway) -> None:
    page = send(staff(app), factories.charge(amount=5_000), amount="50.01", expect=422)

    assert "Only 50.00 EUR of 50.00 EUR is left to refund." in page.words
    assert nothing_happened(gateway)


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [
        ("eur", " 10 ", 1_000),
        ("eur", "10.5", 1_050),
        ("eur", "0.01", 1),
        ("jpy", "10", 10),
        ("kwd", "1.250", 1_250),
        ("kwd", "1.25", 1_250),
    ],
)
def test_what_is_accepted_is_exact_to_the_minor_unit(
    app: Flask, gateway: FakeGateway, currency: str, typed: str, minor: int
) -> None:
    send(staff(app), factories.charge(amount=100_000, currency=currency), amount=typed)

    assert [made["amount"] for made in gateway.made.values()] == [minor]


@pytest.mark.parametrize(
    ("currency", "typed", "words"),
    [
        ("jpy", "10.5", "JPY has no decimals."),
        ("kwd", "1.2345", "KWD has 3 decimals"),
        ("kwd", "1.255", "steps of 0.010 KWD"),
    ],
)
def test_no_currency_is_ever_rounded(app: Flask, gateway: FakeGateway, currency: str, typed: str, words: str) -> None:
    page = send(staff(app), factories.charge(amount=100_000, currency=currency), amount=typed, expect=400)

    assert words in page.words
    assert nothing_happened(gateway)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"words": ""}, "Write a sentence on why."),
        ({"words": " \n "}, "Write a sentence on why"),
        ({"words": "x" * 1_001}, "at most 1000"),
        ({"reason": ""}, "Choose a reason."),
        ({"reason": "because"}, "Not a valid choice"),
    ],
)
def test_an_act_on_money_needs_a_reason(app: Flask, gateway: FakeGateway, changes: dict[str, str], words: str) -> None:
    page = send(staff(app), factories.charge(), expect=400, **changes)

    assert words in page.words
    assert nothing_happened(gateway)


def test_a_damaged_form_is_refused(app: Flask, gateway: FakeGateway) -> None:
    send(staff(app), factories.charge(), promise="nonsense", expect=400)

    assert nothing_happened(gateway)


def test_the_same_form_sent_twice_leads_to_the_same_page(app: Flask, gateway: FakeGateway) -> None:
    ana = staff(app)
    form = fill(ana, factories.charge())

    first, second = ana.post(NEW, form), ana.post(NEW, form)

    assert first.location == second.location == f"/admin/refunds/{form['promise']}"
    assert len(gateway.keys) == 1


def test_a_second_agent_is_told_who_was_first_and_when(app: Flask, gateway: FakeGateway) -> None:
    charge = factories.charge(amount=5_000)
    ana, ben = staff(app, email="ana@shop.example"), staff(app)
    bens_form = fill(ben, charge)
    send(ana, charge)

    page = ben.post(NEW, bens_form, expect=422)

    assert "already refunded in full. Last: 50.00 EUR by ana@shop.example on " in page.words
    assert len(gateway.keys) == 1


def test_while_the_answer_is_missing_the_page_says_being_checked_and_nothing_can_be_started(
    app: Flask, gateway: FakeGateway
) -> None:
    charge, ana = factories.charge(), staff(app, email="ana@shop.example")
    gateway.lose_answers = 1
    open_form = fill(ana, charge, amount="1.00")

    refund_url = send(ana, charge, amount="10.00").location or ""

    page = ana.get(refund_url)
    assert "Being checked" in page.words
    assert f'data-waiting="{refund_url}/state"' in page.html
    assert ana.get(f"{refund_url}/state").answer.get_json() == {"state": "being_checked"}
    again = ana.post(NEW, open_form, expect=409)
    assert "Already in progress: 10.00 EUR by ana@shop.example on " in again.words
    assert refund_url in again.links
    assert refund_url in ana.get(f"/admin/charges/{charge.id}").links
    assert len(gateway.keys) == 1


def test_stripes_refusal_is_shown_in_its_words(app: Flask, gateway: FakeGateway) -> None:
    gateway.refuse = "Insufficient funds in your Stripe balance."
    ana = staff(app)

    page = ana.get(send(ana, factories.charge()).location or "")

    assert "Refused" in page.words
    assert "Insufficient funds in your Stripe balance." in page.words


def test_a_dispute_that_arrives_while_the_form_is_open_blocks_on_the_server(app: Flask, gateway: FakeGateway) -> None:
    charge, ana = factories.charge(), staff(app)
    form = fill(ana, charge)
    factories.dispute(charge)

    page = ana.post(NEW, form, expect=422)

    assert "already taking this money back (chargeback)" in page.words
    assert nothing_happened(gateway)


def test_an_inquiry_warns_and_allows(app: Flask, gateway: FakeGateway) -> None:
    charge, ana = factories.charge(disputed=True), staff(app)
    factories.dispute(charge, status="warning_needs_response", is_charge_refundable=True)

    assert "bank asks about this payment" in ana.get(f"{NEW}?charge={charge.id}").words
    send(ana, charge)

    assert len(gateway.made) == 1


def test_a_won_dispute_does_not_stand_in_the_way(app: Flask, gateway: FakeGateway) -> None:
    charge = factories.charge(disputed=True)
    factories.dispute(charge, status="won", is_charge_refundable=True)

    send(staff(app), charge)

    assert len(gateway.made) == 1


@pytest.mark.parametrize("role", ["view_only", "developer", "dispute_analyst", "auditor"])
def test_who_may_not_give_money_back_cannot_by_any_address(app: Flask, gateway: FakeGateway, role: str) -> None:
    charge, desk = factories.charge(), staff(app, role)
    form = {"charge": charge.id, "promise": str(uuid4()), "amount": "1", "reason": "other", "words": "Why not"}

    desk.get(f"{NEW}?charge={charge.id}", expect=403)
    refused = desk.post(NEW, form, expect=403)
    desk.post(f"/admin/refunds/{uuid4()}/withdraw", {"words": "Gone"}, expect=403)

    assert charge.id not in refused.words
    assert nothing_happened(gateway)


def test_a_forged_form_is_refused(app: Flask, gateway: FakeGateway) -> None:
    ana = staff(app)
    form = fill(ana, factories.charge())

    ana.post(NEW, form | {"csrf_token": "forged"}, expect=400)
    ana.post(NEW, form, expect=403, headers={"Origin": "https://evil.example"})

    assert nothing_happened(gateway)


def test_a_payment_of_another_account_cannot_be_refunded(app: Flask, gateway: FakeGateway) -> None:
    ana, mine = staff(app), factories.charge()
    theirs = factories.charge(account_id=factories.another_account().id)

    ana.get(f"{NEW}?charge={theirs.id}", expect=404)
    ana.post(NEW, fill(ana, mine) | {"charge": theirs.id}, expect=404)

    assert nothing_happened(gateway)


def test_a_refund_made_elsewhere_is_marked_outside(app: Flask) -> None:
    refund = factories.refund(factories.charge(), trace_reference="74300000001234567890", trace_status="available")

    page = staff(app).get(f"/admin/refunds/{refund.id}")

    assert "Outside" in page.words
    assert "74300000001234567890" in page.words


def test_a_failed_refund_names_the_reason_and_the_next_step(app: Flask) -> None:
    refund = factories.refund(factories.charge(), status="failed", failure_reason="expired_or_canceled_card")

    page = staff(app).get(f"/admin/refunds/{refund.id}")

    assert "The money did not arrive" in page.words
    assert "Give the money back in another way." in page.words


def test_one_that_waits_for_a_person_can_be_withdrawn_with_a_reason(app: Flask, gateway: FakeGateway) -> None:
    charge, ana = factories.charge(), staff(app)
    gateway.down = True
    url = send(ana, charge).location or ""
    gateway.down = False
    with transaction():
        db.session.query(Refund).update({"refusal": "No trace."})

    ana.post(f"{url}/withdraw", {"words": ""})
    assert "Needs a person" in ana.get(url).words
    ana.post(f"{url}/withdraw", {"words": "Not in the dashboard"})

    assert "Refused" in ana.get(url).words
    [form] = [form for form in ana.get(f"{NEW}?charge={charge.id}").forms if form["action"] == NEW]
    assert form["amount"] == "50.00"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=requested", {"asked"}),
        ("status=failed", {"failed"}),
        ("made=outside", {"failed", "yen"}),
        ("made=here&currency=EUR", {"asked"}),
        ("amount_from=500&currency=jpy", {"yen"}),
        ("by=ana@shop.example", {"asked"}),
        ("q=ana@shop.example", {"asked"}),
    ],
)
def test_filters_of_the_list(app: Flask, query: str, found: set[str]) -> None:
    ours: dict[str, Any] = {
        "requested_by": "ana@shop.example", "requested_at": clock.now(), "reason_text": "Broken", "stripe_id": None,
    }  # fmt: skip
    rows = {
        "asked": factories.refund(factories.charge(), status="requested", **ours),
        "failed": factories.refund(factories.charge(), status="failed"),
        "yen": factories.refund(factories.charge(amount=500, currency="jpy"), amount=500),
    }

    page = staff(app).get(f"/admin/refunds/?{query}")

    assert {name for name, row in rows.items() if f"/admin/refunds/{row.id}" in page.links} == found


def test_pages_of_refunds_ask_little(app: Flask) -> None:
    desk = staff(app)
    for _ in range(30):
        url = f"/admin/refunds/{factories.refund(factories.charge()).id}"

    with counted() as listed:
        desk.get("/admin/refunds/")
    with counted() as opened:
        desk.get(url)

    assert len(listed) == 3, listed  # session with account, views, refunds
    assert len(opened) == 6, opened  # session with account, refund, acts, events, remarks, erased persons


def test_ids_lead_straight_to_the_refund(app: Flask) -> None:
    refund, desk = factories.refund(factories.charge(), created_at=factories.NOON + timedelta(days=1)), staff(app)

    for typed in (refund.stripe_id, str(refund.id)):
        assert desk.get(f"/admin/refunds/?q={typed}", expect=302).location == f"/admin/refunds/{refund.id}"


@pytest.mark.parametrize("key", ["nonsense", "0", "6f1c1c1e-0d6b-4c57-9a55-6a2f6b2b8f10", "%00"])
def test_an_unknown_refund_is_a_404(app: Flask, key: str) -> None:
    staff(app).get(f"/admin/refunds/{key}", expect=404)
