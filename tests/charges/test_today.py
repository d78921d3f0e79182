"""The start page: what waits for this person."""

from datetime import timedelta

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

    assert "Disputes to answer First due" in page.words
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

    assert len(queries) == 7, queries
