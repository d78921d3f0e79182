"""The start page: what waits for this person."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from app import clock
from tests import factories
from tests.desk import staff
from tests.queries import counted


def test_what_waits_is_counted_and_leads_to_its_list(app: Flask) -> None:
    now = clock.now()
    factories.dispute(factories.charge(), due_at=now + timedelta(hours=9))
    factories.dispute(factories.charge(), status="won", due_at=now + timedelta(hours=9))
    factories.refund(factories.charge(), status="failed", created_at=now - timedelta(days=2))
    factories.refund(factories.charge(), status="failed", created_at=now - timedelta(days=200))
    factories.event(state="dead", object_id="ch_1")
    factories.event(state="waiting", next_try_at=now, received_at=now - timedelta(hours=1))
    factories.event(state="waiting", next_try_at=now, received_at=now)

    page = staff(app, "admin").get("/admin/")

    assert "Chargebacks to answer First due" in page.words
    assert "Refunds that failed Within 30 days 1" in page.words
    assert "Events not understood 2" in page.words
    assert {"/admin/disputes/?status=answer", "/admin/refunds/?status=failed"} < set(page.links)


def test_nothing_waits(app: Flask) -> None:
    factories.charge(amount=1_234)

    page = staff(app).get("/admin/")

    assert "Nothing waits for you" in page.words
    assert "12.34 EUR" in page.words


def test_nobody_is_told_of_what_they_may_not_open(app: Flask) -> None:
    factories.event(state="dead")

    assert "Events not understood" not in staff(app, "support").get("/admin/").words
    assert staff(app, "auditor").get("/admin/", expect=303).location == "/admin/audit/"


def test_the_page_asks_little(app: Flask) -> None:
    desk = staff(app, "admin")
    factories.charge()

    with counted() as queries:
        desk.get("/admin/")

    assert len(queries) == 5, queries  # session with account, what waits, rules, requests, payments


def test_chargebacks_and_inquiries_are_counted_apart(app: Flask) -> None:
    for status in ("needs_response", "needs_response", "warning_needs_response", "won"):
        factories.dispute(factories.charge(), status=status, due_at=clock.now() + timedelta(days=2))
    factories.dispute(factories.charge(), status="needs_response", due_at=None)

    page = staff(app, "dispute_analyst").get("/admin/")

    assert re.findall(r"(\w+) to answer First due .+? (\d+) (?=Inquiries|Newest)", page.words) == [
        ("Chargebacks", "2"),
        ("Inquiries", "1"),
    ]


@pytest.mark.parametrize(("role", "shown"), [("support", True), ("view_only", False)])
def test_a_hold_that_ends_today_is_shown_to_who_may_capture(app: Flask, role: str, shown: bool) -> None:
    soon, later = clock.now() + timedelta(hours=9), clock.now() + timedelta(hours=30)
    factories.charge(captured=False, amount_captured=0, capture_before=soon)
    factories.charge(captured=False, amount_captured=0, capture_before=later)

    page = staff(app, role).get("/admin/")

    assert ("Authorisations ending" in page.words) is shown
