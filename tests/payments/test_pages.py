"""Payment intents and held money as an agent sees them."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app import clock
from app.database import db
from app.models.act import Act
from tests import factories
from tests.desk import staff
from tests.queries import counted
from tests.web.test_matrix import Away

LIST = "/admin/payments/"
HELD: dict[str, Any] = {"captured": False, "amount_captured": 0, "balance_transaction_id": None}


def test_every_attempt_of_an_intent_is_on_its_page_also_one_that_never_became_a_charge(app: Flask) -> None:
    intent = factories.payment_intent(status="requires_payment_method", amount_capturable=0)
    declined = factories.charge(
        payment_intent_id=intent.id, status="failed", paid=False, amount_captured=0, decline_code="do_not_honor"
    )
    problem = {"code": "payment_intent_authentication_failure", "message": "The customer did not confirm."}
    body = {"data": {"object": {"id": intent.id, "last_payment_error": problem}}}
    factories.event(type="payment_intent.payment_failed", object_id=intent.id, body=factories.packed(body))

    page = staff(app).get(f"{LIST}{intent.id}")

    assert f"/admin/charges/{declined.id}" in page.links
    assert "do_not_honor" in page.words
    assert "Never became a charge" in page.words
    assert "payment_intent_authentication_failure" in page.words
    assert "The customer has to choose a way to pay" in page.words


def test_an_id_of_an_intent_without_a_charge_leads_to_its_page(app: Flask) -> None:
    intent = factories.payment_intent(status="requires_action", amount_capturable=0)

    assert staff(app).get(f"/admin/charges/?q={intent.id}", expect=302).location == f"{LIST}{intent.id}"


def test_the_list_asks_as_little_for_fifty_rows_as_for_one(app: Flask) -> None:
    desk = staff(app)
    for _ in range(50):
        factories.payment_intent(customer_id=factories.customer().id)

    with counted() as queries:
        desk.get(LIST)

    assert len(queries) == 4, queries  # session with account, views, intents, their customers


def test_another_accounts_intent_is_unknown(app: Flask) -> None:
    factories.account()
    theirs = factories.payment_intent(account_id=factories.another_account().id)

    staff(app).get(f"{LIST}{theirs.id}", expect=404)
    staff(app).get(f"{LIST}{theirs.id}/capture", expect=404)


def test_the_queue_shows_what_is_held_with_the_most_urgent_first(app: Flask) -> None:
    now = clock.now()
    later = factories.charge(amount=2_000, capture_before=now + timedelta(days=6), **HELD)
    urgent = factories.charge(amount=1_000, capture_before=now + timedelta(hours=20), **HELD)
    released = factories.charge(amount=3_000, capture_before=None, refunded=True, amount_refunded=3_000, **HELD)
    taken = factories.charge(amount=4_000)

    page = staff(app).get("/admin/authorisations/")

    shown = [link for link in page.links if link.startswith("/admin/charges/ch_")]
    assert shown == [f"/admin/charges/{urgent.id}", f"/admin/charges/{later.id}"]
    assert released.id not in page.words
    assert taken.id not in page.words
    assert page.html.count("badge tone-bad") == 1

    day = staff(app).get("/admin/authorisations/?ends=day")
    assert [link for link in day.links if link.startswith("/admin/charges/ch_")] == [f"/admin/charges/{urgent.id}"]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("50.01", "Only 50.00 EUR is held"),
        ("0", "Enter an amount above zero"),
        ("ten", "plain digits"),
        ("1.005", "2 decimals"),
        ("99999999999999999999", "plain digits"),
    ],
)
def test_what_cannot_be_captured_is_refused_in_words_and_nothing_is_promised(
    app: Flask, amount: str, words: str
) -> None:
    intent = factories.payment_intent()
    form = {"promise": "0b0c0d0e-0000-4000-8000-000000000001", "amount": amount}

    page = staff(app).post(f"{LIST}{intent.id}/capture", form, expect=None)

    assert page.status in {400, 422}
    assert words in page.words
    assert db.session.query(Act).count() == 0


@pytest.mark.parametrize(
    ("currency", "amount"),
    [
        *(
            ("eur", typed)
            for typed in ("", " ", "-1", "0.00", "0.001", "1e1", "10,00", "１０", "NaN", "Infinity", "+5")
        ),
        *(
            ("eur", typed)
            for typed in ("10.005", "0x10", "1_0", "10.", "10 00", "\N{ARABIC-INDIC DIGIT FIVE}", "1\x000")
        ),
        ("jpy", "10.5"),
        ("kwd", "1.0001"),
        ("kwd", "5.124"),
    ],
)
def test_what_is_no_amount_of_its_currency_is_said_at_the_field_and_asks_stripe_nothing(
    app: Flask, currency: str, amount: str
) -> None:
    intent = factories.payment_intent(currency=currency, amount=5_000_000, amount_capturable=5_000_000)
    form = {"promise": "0b0c0d0e-0000-4000-8000-000000000004", "amount": amount}

    page = staff(app).post(f"{LIST}{intent.id}/capture", form, expect=400)

    assert "field-error" in page.html
    assert db.session.query(Act).count() == 0


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [("eur", " 10 ", 1_000), ("eur", "10.5", 1_050), ("jpy", "10", 10), ("kwd", "1.230", 1_230), ("eur", "0.01", 1)],
)
def test_what_is_accepted_is_promised_exact_to_the_minor_unit(
    app: Flask, currency: str, typed: str, minor: int
) -> None:
    intent = factories.payment_intent(currency=currency, amount=5_000, amount_capturable=5_000)
    form = {"promise": "0b0c0d0e-0000-4000-8000-000000000005", "amount": typed}
    app.extensions["gateway"], before = Away(), app.extensions["gateway"]

    try:
        staff(app).post(f"{LIST}{intent.id}/capture", form)
    finally:
        app.extensions["gateway"] = before

    assert db.session.query(Act).one().form == {"amount_to_capture": minor}


@pytest.mark.parametrize("what", ["capture", "cancel"])
def test_what_a_person_writes_is_kept_without_card_numbers_and_never_runs(app: Flask, what: str) -> None:
    intent = factories.payment_intent()
    words = "<script>alert(1)</script>\0 4242 4242 4242 4242 =1+1"
    form = {"promise": "0b0c0d0e-0000-4000-8000-000000000006", "amount": "1", "reason": "duplicate", "words": words}
    app.extensions["gateway"], before = Away(), app.extensions["gateway"]
    desk = staff(app, "admin")

    try:
        desk.post(f"{LIST}{intent.id}/{what}", form)
    finally:
        app.extensions["gateway"] = before

    act = db.session.query(Act).one()
    pages = [
        desk.get(path) for path in (f"{LIST}{intent.id}", f"/admin/acts/{act.id}", "/admin/acts/", "/admin/audit/")
    ]
    for page in pages:
        assert "<script>alert(1)" not in page.html
        assert "4242 4242" not in page.html
        assert "<script>alert(1)</script>" in page.words


@pytest.mark.parametrize("status", ["succeeded", "canceled", "processing"])
def test_what_is_over_can_be_neither_captured_nor_canceled(app: Flask, status: str) -> None:
    intent = factories.payment_intent(status=status, amount_capturable=0)
    desk, promise = staff(app), "0b0c0d0e-0000-4000-8000-000000000002"

    desk.post(f"{LIST}{intent.id}/capture", {"promise": promise, "amount": "1"}, expect=409)
    desk.post(f"{LIST}{intent.id}/cancel", {"promise": promise, "reason": "duplicate"}, expect=409)

    assert db.session.query(Act).count() == 0


@pytest.mark.parametrize(
    "form",
    [{"reason": "because"}, {"reason": "duplicate", "words": "x" * 1_001}, {"reason": "duplicate", "promise": "no"}],
)
def test_a_damaged_form_cancels_nothing(app: Flask, form: dict[str, str]) -> None:
    intent = factories.payment_intent()
    sent = {"promise": "0b0c0d0e-0000-4000-8000-000000000003", **form}

    staff(app).post(f"{LIST}{intent.id}/cancel", sent, expect=400)

    assert db.session.query(Act).count() == 0


@pytest.mark.parametrize("role", ["view_only", "dispute_analyst", "developer"])
def test_who_may_not_move_money_sees_no_button_and_is_refused(app: Flask, role: str) -> None:
    intent = factories.payment_intent()
    desk = staff(app, role)

    assert f"{LIST}{intent.id}/capture" not in desk.get(f"{LIST}{intent.id}").links
    desk.post(f"{LIST}{intent.id}/capture", {"amount": "1"}, expect=403)
    assert db.session.query(Act).count() == 0
