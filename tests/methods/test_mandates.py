"""Mandates: pages that say what was allowed, and rows that are kept true though Stripe lists none."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.database import db, transaction
from app.mirror import kinds, pull
from app.models.audit_log import AuditLog
from app.models.mandate import Mandate
from app.models.wanted_object import WantedObject
from jobs.read_old_mandates import read_old_mandates
from tests import factories, objects
from tests.desk import staff
from tests.objects import told
from tests.queries import counted
from tests.webhooks.fakes import FakeGateway

MANDATES = "/admin/mandates/"


def given(account_id: int, **fields: Any) -> str:
    """A mandate as the mirror would have it; its id."""
    obj = objects.mandate(**fields)
    with transaction():
        kinds.save_all("mandate", [obj], told(account_id))
    return str(obj["id"])


def wanted() -> list[tuple[str, str]]:
    return [(row.kind, row.id) for row in db.session.scalars(select(WantedObject).order_by(WantedObject.id))]


def test_the_page_says_what_was_allowed_and_what_was_taken(app: Flask) -> None:
    account_id = factories.account().id
    mira = factories.customer(name="Mira Faber")
    method = factories.payment_method(customer_id=mira.id, type="sepa_debit", brand=None, last4="3000", exp_year=None)
    mandate_id = given(account_id, payment_method=method.id)
    paid = factories.charge(customer_id=mira.id, mandate_id=mandate_id, amount=7_350, method_type="sepa_debit")
    factories.charge(customer_id=mira.id, mandate_id="mandate_other", amount=9_900)

    page = staff(app, "support").get(f"{MANDATES}{mandate_id}")

    for word in (
        "SEPA debit",
        "Active",
        "REF-1",
        "Any number of payments",
        "Mira Faber",
        "203.0.113.9",
        "Quetzal/5.0",
        "73.50",
    ):
        assert word in page.words, word
    assert f"/admin/charges/{paid.id}" in page.links
    assert f"/admin/customers/{mira.id}" in page.links
    assert "99.00" not in page.words
    assert 'href="https://stripe.example/mandate/1" target="_blank" rel="noopener noreferrer"' in page.html


def test_who_may_not_see_personal_data_sees_that_there_was_some(app: Flask) -> None:
    mandate_id = given(factories.account().id)

    page = staff(app, "view_only").get(f"{MANDATES}{mandate_id}")

    assert "203.0.113.9" not in page.html
    assert "Quetzal" not in page.html
    assert page.words.count("***") == 2
    assert "Online" in page.words


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "http://elsewhere.example/",
        "data:text/html,x",
        "https://user@evil.example/",
        "//evil.example",
        "https://[",
        "https://a.example/\n",
    ],
)
def test_a_document_whose_address_is_odd_is_no_link(app: Flask, address: str) -> None:
    details = {"type": "sepa_debit", "sepa_debit": {"reference": "REF-2", "url": address}}
    mandate_id = given(factories.account().id, payment_method_details=details)

    page = staff(app, "support").get(f"{MANDATES}{mandate_id}")

    assert "Its address is not one that can be opened safely." in page.words
    assert [link for link in page.links if "evil" in link or link.startswith(("javascript", "data", "http"))] == []


def test_the_list_filters_by_status_kind_and_use(app: Flask) -> None:
    account_id = factories.account().id
    for reference, status, kind, use in (
        ("AAA", "active", "sepa_debit", "multi_use"),
        ("BBB", "inactive", "sepa_debit", "multi_use"),
        ("CCC", "active", "bacs_debit", "multi_use"),
        ("DDD", "active", "sepa_debit", "single_use"),
    ):
        details = {"type": kind, kind: {"reference": reference, "url": None}}
        given(account_id, status=status, type=use, payment_method_details=details)
    desk = staff(app, "support")

    def shown(query: str) -> set[str]:
        words = desk.get(f"{MANDATES}?{query}").words
        return {name for name in ("AAA", "BBB", "CCC", "DDD") if name in words}

    assert shown("") == {"AAA", "BBB", "CCC", "DDD"}
    assert shown("status=inactive") == {"BBB"}
    assert shown("method=bacs_debit") == {"CCC"}
    assert shown("type=single_use") == {"DDD"}
    assert shown("status=active&method=sepa_debit&type=multi_use") == {"AAA"}
    assert shown("q=BBB") == {"BBB"}
    with counted() as queries:
        desk.get(MANDATES)
    assert len(queries) <= 6


def test_an_id_leads_straight_to_the_mandate(app: Flask) -> None:
    mandate_id = given(factories.account().id)

    page = staff(app, "support").get(f"/admin/customers/?q={mandate_id}", expect=302)

    assert page.location == f"{MANDATES}{mandate_id}"


def test_whoever_reads_one_object_hears_of_its_mandate(app: Flask) -> None:
    account_id = factories.account().id
    debit = {"type": "sepa_debit", "sepa_debit": {"mandate": "mandate_1", "last4": "3000"}}
    bank = {"type": "sepa_debit", "sepa_debit": {"last4": "3000", "mandate": {"id": "mandate_4", "object": "mandate"}}}
    setup = {
        "id": "seti_1",
        "object": "setup_intent",
        "created": objects.NOON,
        "mandate": "mandate_2",
        "single_use_mandate": "mandate_3",
    }
    gateway = FakeGateway(
        {
            "/v1/charges/ch_1": objects.charge(id="ch_1", payment_method_details=debit),
            "/v1/setup_intents/seti_1": setup,
            "/v1/payment_methods/pm_1": objects.payment_method(id="pm_1", **bank),
        }
    )

    for kind, object_id in (("charge", "ch_1"), ("setup_intent", "seti_1"), ("payment_method", "pm_1")):
        pull.read_again(kind, object_id, gateway, account_id)
        pull.read_again(kind, object_id, gateway, account_id)

    assert wanted() == [("mandate", f"mandate_{n}") for n in (1, 2, 3, 4)]


def test_a_mandate_that_is_here_is_not_asked_for_again(app: Flask) -> None:
    account_id = factories.account().id
    given(account_id, id="mandate_1")
    debit = {"type": "sepa_debit", "sepa_debit": {"mandate": "mandate_1"}}
    gateway = FakeGateway({"/v1/charges/ch_1": objects.charge(id="ch_1", payment_method_details=debit)})

    pull.read_again("charge", "ch_1", gateway, account_id)

    assert wanted() == []


HISTORY = ((0, "pending"), (2, "active"), (5, "active"), (8, "inactive"))


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(HISTORY)))), ids=str)
def test_any_order_of_what_was_told_ends_in_the_same_row(app: Flask, order: tuple[int, ...]) -> None:
    account_id = factories.account().id
    for n in order:
        second, status = HISTORY[n]
        with transaction():
            kinds.save_all("mandate", [objects.mandate(id="mandate_1", status=status)], told(account_id, second))

    row = db.session.get_one(Mandate, "mandate_1", populate_existing=True)
    assert (row.status, row.seen_at) == ("inactive", told(account_id, 8).seen_at)


def test_active_ones_that_nobody_spoke_of_for_a_month_are_read_again_at_night(app: Flask) -> None:
    now = clock.now()
    old, new = now - timedelta(days=30, seconds=1), now - timedelta(days=29)
    for mandate_id, status, heard_at in (
        ("mandate_old", "active", old),
        ("mandate_pending", "pending", old),
        ("mandate_new", "active", new),
        ("mandate_ended", "inactive", old),
    ):
        factories.mandate(id=mandate_id, status=status, heard_at=heard_at)
    factories.mandate(id="mandate_gone", heard_at=old, deleted_at=old)
    factories.mandate(id="mandate_theirs", heard_at=old, account_id=factories.another_account().id)

    assert read_old_mandates() == 2
    assert read_old_mandates() == 0

    assert wanted() == [("mandate", "mandate_old"), ("mandate", "mandate_pending")]


def test_what_was_read_again_is_not_old_any_more(app: Flask) -> None:
    old = clock.now() - timedelta(days=40)
    known = factories.mandate(heard_at=old, seen_at=old)
    gateway = FakeGateway({f"/v1/mandates/{known.id}": objects.mandate(id=known.id)})
    account_id, mandate_id = known.account_id, known.id
    assert read_old_mandates() == 1

    pull.read_again("mandate", mandate_id, gateway, account_id)
    with transaction():
        db.session.execute(text("DELETE FROM wanted_objects"))

    assert read_old_mandates() == 0


def test_reading_again_is_on_record_with_what_had_changed(app: Flask) -> None:
    account_id = factories.account().id
    mandate_id = given(account_id)
    app.extensions["gateway"], before = (
        FakeGateway({f"/v1/mandates/{mandate_id}": objects.mandate(id=mandate_id, status="inactive")}),
        app.extensions["gateway"],
    )
    desk = staff(app, "support")
    try:
        page = desk.post(f"{MANDATES}{mandate_id}/read-again")
    finally:
        app.extensions["gateway"] = before

    assert page.location == f"{MANDATES}{mandate_id}"
    [entry] = db.session.scalars(
        select(AuditLog).where(AuditLog.object_id == mandate_id, AuditLog.object_type == "mandate")
    )
    assert (entry.action, entry.actor) == ("object.synced", desk.email)
    assert (entry.before, entry.after) == ({"status": "active"}, {"status": "inactive"})
    assert "Nothing may be debited under it any more." in desk.get(f"{MANDATES}{mandate_id}").words
