"""Disputes and payouts, read only."""

from datetime import timedelta

import pytest
from flask import Flask

from app import clock
from tests import factories
from tests.desk import staff
from tests.queries import counted


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"open", "inquiry"}),
        ("status=all", {"open", "inquiry", "won", "lost"}),
        ("status=answer", {"open", "inquiry"}),
        ("status=open", {"open", "inquiry"}),
        ("status=inquiry", {"inquiry"}),
        ("status=won", {"won"}),
        ("reason=Product+not+received", {"lost"}),
    ],
)
def test_disputes_are_filtered_by(app: Flask, query: str, found: set[str]) -> None:
    states = {"open": "needs_response", "inquiry": "warning_needs_response", "won": "won", "lost": "lost"}
    for name, status in states.items():
        reason = "product_not_received" if name == "lost" else "fraudulent"
        factories.dispute(factories.charge(), id=f"dp_{name}", status=status, reason=reason)

    page = staff(app).get(f"/admin/disputes/?{query}")

    assert {name for name in states if f"/admin/disputes/dp_{name}" in page.links} == found


def test_a_dispute_says_until_when_it_can_be_answered(app: Flask) -> None:
    charge = factories.charge()
    open_one = factories.dispute(
        charge, due_at=clock.now() + timedelta(hours=5), deducted=6_500, deducted_currency="eur"
    )
    final = factories.dispute(charge, due_at=None)
    desk = staff(app)

    page = desk.get(f"/admin/disputes/{open_one.id}")

    assert "tone-bad" in page.html
    assert "65.00 EUR" in page.words
    assert f"/admin/charges/{charge.id}" in page.links
    assert "No response possible" in desk.get(f"/admin/disputes/{final.id}").words


@pytest.mark.parametrize("status", ["brand_new_status", "appeal_under_review", "prevented"])
def test_a_status_nobody_knew_breaks_nothing(app: Flask, status: str) -> None:
    dispute = factories.dispute(factories.charge(), status=status)
    desk = staff(app)

    assert desk.get(f"/admin/disputes/{dispute.id}").status == desk.get("/admin/disputes/").status == 200


def test_a_payout_shows_what_is_in_it(app: Flask) -> None:
    payout = factories.payout(id="po_1", amount=8_650)
    for _ in range(2):
        factories.balance_transaction(payout_id="po_1", net=4_825)
    factories.balance_transaction(
        payout_id="po_1", type="refund", reporting_category="refund", amount=-1_000, fee=0, net=-1_000
    )
    factories.balance_transaction(payout_id="po_1", type="payout", reporting_category="payout", net=-8_650)

    page = staff(app, "finance").get(f"/admin/payouts/{payout.id}")

    assert "Charge 2 96.50 EUR Refund 1 −10.00 EUR" in page.words


def test_who_may_not_see_payouts_does_not(app: Flask) -> None:
    factories.payout(id="po_1")

    staff(app, "support").get("/admin/payouts/", expect=403)
    staff(app, "support").get("/admin/payouts/po_1", expect=403)


def test_both_lists_ask_two_questions(app: Flask) -> None:
    desk = staff(app, "finance")
    for _ in range(30):
        factories.dispute(factories.charge())
        factories.payout()

    with counted() as disputes:
        desk.get("/admin/disputes/")
    with counted() as payouts:
        desk.get("/admin/payouts/")

    assert (len(disputes), len(payouts)) == (3, 3)
