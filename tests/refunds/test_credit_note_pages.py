"""Credit notes as people find and read them."""

import pytest
from flask import Flask

from tests import factories
from tests.desk import Page, staff
from tests.queries import counted

LIST = "/admin/credit-notes/"


def shown(page: Page) -> list[str]:
    return [link.removeprefix(LIST) for link in page.links if link.startswith(f"{LIST}cn_")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"first", "second", "third"}),
        ("status=void", {"second"}),
        ("type=pre_payment", {"third"}),
        ("currency=JPY", {"third"}),
        ("amount_from=21", {"second"}),
        ("invoice=in_1&status=issued", {"first"}),
        ("q=A-1", {"first"}),
        ("q=in_1", {"first", "second"}),
        ("q=cus_9", {"third"}),
        ("q=nothing", set()),
    ],
)
def test_the_list_finds_what_was_asked_for(app: Flask, query: str, found: set[str]) -> None:
    ids = {
        "first": factories.credit_note(number="A-1", invoice_id="in_1").id,
        "second": factories.credit_note(status="void", total=2_500, invoice_id="in_1").id,
        "third": factories.credit_note(type="pre_payment", currency="jpy", total=20, customer_id="cus_9").id,
    }
    factories.credit_note(account_id=factories.another_account().id, number="A-1")

    assert set(shown(staff(app).get(f"{LIST}?{query}"))) == {ids[name] for name in found}


def test_pages_of_credit_notes_ask_little(app: Flask) -> None:
    invoice, desk = factories.invoice(), staff(app)
    refunds = [factories.refund(factories.charge()) for _ in range(3)]
    urls = {f"/admin/refunds/{refund.id}" for refund in refunds}
    others = {factories.credit_note(invoice_id=invoice.id).id for _ in range(49)}
    key = factories.credit_note(invoice_id=invoice.id, refund_ids=[refund.stripe_id for refund in refunds]).id

    with counted() as queries:
        assert len(shown(desk.get(LIST))) == 50
    assert len(queries) == 3, queries  # session with account, views, notes
    with counted() as queries:
        page = desk.get(f"{LIST}{key}")
    assert len(queries) == 7, queries  # session, note, invoice, its notes, refunds, events, erased persons

    assert urls <= set(page.links)
    assert set(shown(page)) == others


def test_more_credited_than_billed_is_said(app: Flask) -> None:
    invoice = factories.invoice(total=3_000)
    note, _ = (factories.credit_note(invoice_id=invoice.id, total=2_000) for _ in range(2))
    void = factories.credit_note(invoice_id=invoice.id, total=9_000, status="void")
    desk = staff(app)

    page = desk.get(f"{LIST}{note.id}")

    assert "More is credited than the invoice says" in page.words
    assert "Credited in all 40.00 EUR Left of the bill -10.00 EUR" in page.words.replace("\N{MINUS SIGN}", "-")
    assert "takes nothing back" in desk.get(f"{LIST}{void.id}").words


def test_what_has_not_arrived_yet_is_said_and_breaks_nothing(app: Flask) -> None:
    note = factories.credit_note(invoice_id="in_unknown", refund_ids=["re_unknown"])

    page = staff(app).get(f"{LIST}{note.id}")

    assert "It has not been read from Stripe yet" in page.words
    assert "Not read from Stripe yet: re_unknown" in page.words


def test_what_a_note_says_is_masked_and_is_no_markup(app: Flask) -> None:
    note = factories.credit_note(memo="<script>alert(1)</script> for jo@example.com", number="<b>7</b>")

    hidden, seen = staff(app, "view_only").get(f"{LIST}{note.id}"), staff(app, "finance").get(f"{LIST}{note.id}")

    assert "jo@example.com" not in hidden.html
    assert "jo@example.com" in seen.words
    for page in (hidden, seen, staff(app).get(LIST)):
        assert "<script>alert" not in page.html
        assert "<b>7" not in page.html


def test_notes_of_others_and_those_without_permission_are_not_there(app: Flask) -> None:
    note = factories.credit_note()
    theirs = factories.credit_note(account_id=factories.another_account().id)

    staff(app).get(f"{LIST}{theirs.id}", expect=404)
    staff(app, "auditor").get(f"{LIST}{note.id}", expect=403)
    staff(app).get(f"{LIST}cn_unknown", expect=404)
