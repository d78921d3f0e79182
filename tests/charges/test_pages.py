"""The payments as an agent sees them."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.actor import Actor
from app.audit import trail
from app.database import transaction
from tests import factories
from tests.desk import staff
from tests.factories import NOON
from tests.queries import counted

LIST = "/admin/charges/"
EVIL = "<script>alert(1)</script>"


def test_the_list_shows_the_newest_first_with_amounts_of_every_currency(app: Flask) -> None:
    for amount, currency in ((5_000, "eur"), (500, "jpy"), (12_345, "kwd")):
        factories.charge(amount=amount, currency=currency)

    page = staff(app).get(LIST)

    assert page.words.index("12.345 KWD") < page.words.index("500 JPY") < page.words.index("50.00 EUR")
    assert "3 payments" in page.words


def test_the_list_asks_as_little_for_fifty_rows_as_for_one(app: Flask) -> None:
    desk = staff(app)
    for _ in range(50):
        factories.charge(customer_id=factories.customer().id)

    with counted() as queries:
        desk.get(LIST)

    assert len(queries) == 4, queries  # session with account, kept views, payments, their customers


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=failed", {"failed"}),
        ("status=blocked", {"blocked"}),
        ("status=refunded", {"refunded"}),
        ("status=partially_refunded", {"part"}),
        ("status=uncaptured", {"uncaptured"}),
        ("status=disputed", {"disputed"}),
        ("status=succeeded&currency=jpy", {"yen"}),
        ("currency=jpy&amount_from=400&amount_to=600", {"yen"}),
        ("amount_from=49.99&amount_to=50.00&brand=visa&status=disputed", {"disputed"}),
        ("decline=insufficient_funds", {"failed"}),
        ("country=fr", {"refunded"}),
        ("method=sepa_debit", {"part"}),
        ("created_from=2026-11-05", {"uncaptured"}),
        ("customer=cus_7", {"yen"}),
    ],
)
def test_filters_find_exactly_what_they_say(app: Flask, query: str, found: set[str]) -> None:
    rows: dict[str, dict[str, Any]] = {
        "failed": {"status": "failed", "paid": False, "amount_captured": 0, "decline_code": "insufficient_funds"},
        "blocked": {"status": "failed", "paid": False, "amount_captured": 0, "outcome_type": "blocked"},
        "refunded": {"refunded": True, "amount_refunded": 5_000, "country": "FR"},
        "part": {"amount_refunded": 100, "method_type": "sepa_debit", "brand": None},
        "uncaptured": {"captured": False, "amount_captured": 0, "created_at": NOON + timedelta(days=4)},
        "disputed": {"disputed": True},
        "yen": {"amount": 500, "currency": "jpy", "customer_id": "cus_7"},
    }
    for name, columns in rows.items():
        factories.charge(id=f"ch_{name}", **columns)

    page = staff(app).get(f"{LIST}?{query}")

    assert {name for name in rows if f"/admin/charges/ch_{name}" in page.links} == found


@pytest.mark.parametrize("typed", ["Mira@Example.com", "mira", "9876", "ch_mira", "pi_mira"])
def test_the_search_finds_a_payment_by(app: Flask, typed: str) -> None:
    mira = factories.customer(email="mira@example.com", name="Mira Lind")
    factories.charge(id="ch_mira", customer_id=mira.id, last4="9876", payment_intent_id="pi_mira")
    factories.charge(id="ch_other", customer_id=factories.customer(email="o@example.com", name="Otto").id)

    page = staff(app).get(f"{LIST}?q={typed}", expect=None)

    if typed.startswith(("ch_", "pi_")):
        assert (page.status, page.location) == (302, "/admin/charges/ch_mira")
    else:
        assert "/admin/charges/ch_mira" in page.links
        assert "/admin/charges/ch_other" not in page.links


def test_an_unknown_id_in_the_search_is_an_empty_list(app: Flask) -> None:
    factories.charge()

    page = staff(app).get(f"{LIST}?q=ch_nowhere")

    assert "Nothing matches" in page.words


@pytest.mark.parametrize(
    "query", ["status=nonsense", "amount_from=1e3", "created_from=yesterday", "cursor=forged", "dir=x"]
)
def test_a_filter_without_sense_is_a_clear_400(app: Flask, query: str) -> None:
    staff(app).get(f"{LIST}?{query}", expect=400)


def test_the_download_holds_the_same_rows_and_nothing_dangerous(app: Flask) -> None:
    factories.charge(id="ch_1", customer_id=factories.customer(email="=cmd@example.com").id)
    factories.charge(id="ch_2", amount=500, currency="jpy")

    answer = staff(app, "finance").get(f"{LIST}export.csv")

    heading, *lines = list(csv.reader(io.StringIO(answer.html)))
    assert [line[heading.index("Payment")] for line in lines] == ["ch_2", "ch_1"]
    assert [line[heading.index("Amount")] for line in lines] == ["500", "50.00"]
    assert lines[1][heading.index("Customer")] == "'=cmd@example.com"


def test_the_page_answers_the_question_at_a_glance(app: Flask) -> None:
    mira = factories.customer(email="mira@example.com", name="Mira Lind")
    charge = factories.charge(
        customer_id=mira.id,
        payment_intent_id="pi_1",
        risk_level="elevated",
        description="Order 7",
        labels={"order": "7"},
    )
    refund = factories.refund(charge, amount=1_000)
    factories.balance_transaction(
        source_id=charge.id,
        fee_details=[
            {"amount": 150, "currency": "eur", "description": "Stripe processing fees", "type": "stripe_fee"},
            {"amount": 25, "currency": "eur", "description": "VAT", "type": "tax"},
        ],
        payout_id="po_1",
        exchange_rate="1.09",
    )
    factories.balance_transaction(
        source_id=refund.stripe_id, type="refund", reporting_category="refund", amount=-1_000, fee=0, net=-1_000
    )
    finance, url = staff(app, "finance"), f"/admin/charges/{charge.id}"

    with counted() as queries:
        page = finance.get(url)

    assert len(queries) <= 11, queries  # one of them: whether this was an erased person's
    for fact in (
        "Mira Lind", "Succeeded", "Visa", "4242", "Elevated", "Order 7",
        "Stripe processing fees −1.50 EUR", "VAT −0.25 EUR", "Refunded −10.00 EUR", "Net 38.25 EUR", "1 EUR = 1.09 EUR",
        "Left to refund 40.00 EUR", "pi_1", "po_1", "someone in Stripe",
    ):  # fmt: skip
        assert fact in page.words, fact
    assert {url.replace("charges/", "refunds/new?charge="), "/admin/payouts/po_1"} < set(page.links)


@pytest.mark.parametrize(
    ("paid", "settled", "rate", "words"),
    [
        ((1_000, "usd"), (913, "eur"), "0.913", "1 USD = 0.913 EUR"),
        ((1_000, "jpy"), (667, "eur"), "0.667", "1 JPY = 0.00667 EUR"),
        ((1_000, "eur"), (1_499, "jpy"), "1.4992", "1 EUR = 149.92 JPY"),
        ((1_000, "kwd"), (325, "usd"), "0.325", "1 KWD = 3.25 USD"),
    ],
)
def test_the_exchange_rate_is_that_of_whole_units_whatever_their_decimals(
    app: Flask, paid: tuple[int, str], settled: tuple[int, str], rate: str, words: str
) -> None:
    charge = factories.charge(amount=paid[0], currency=paid[1])
    factories.balance_transaction(
        source_id=charge.id, amount=settled[0], fee=0, net=settled[0], currency=settled[1], exchange_rate=rate
    )

    assert words in staff(app).get(f"/admin/charges/{charge.id}").words


def test_a_decline_is_explained_in_plain_words_with_every_code(app: Flask) -> None:
    charge = factories.charge(
        status="failed", paid=False, amount_captured=0, failure_code="card_declined", decline_code="insufficient_funds",
        failure_message="Your card has insufficient funds.", network_decline_code="51", network_advice_code="02",
        advice_code="try_again_later", outcome_type="issuer_declined",
    )  # fmt: skip

    page = staff(app).get(f"/admin/charges/{charge.id}")

    for fact in (
        "There is not enough money on the account.",
        "insufficient_funds",
        "51",
        "02",
        "Trying later may help",
    ):
        assert fact in page.words, fact
    assert "This payment failed. No money was taken" in page.words
    assert not [link for link in page.links if link.startswith("/admin/refunds/new")]


def test_the_timeline_says_each_thing_once_newest_first(app: Flask) -> None:
    charge = factories.charge(created_at=NOON, payment_intent_id="pi_1", amount_refunded=1_000)
    refund = factories.refund(charge, amount=1_000, created_at=NOON + timedelta(hours=1))
    factories.event(type="charge.succeeded", object_id=charge.id, created_at=NOON)
    factories.event(type="payment_intent.succeeded", object_id="pi_1", created_at=NOON)
    factories.event(type="refund.created", object_id=refund.stripe_id, created_at=NOON + timedelta(hours=1))
    factories.event(type="charge.refunded", object_id=charge.id, created_at=NOON + timedelta(hours=1))
    factories.event(type="charge.dispute.closed", object_id="dp_1", created_at=NOON + timedelta(hours=3))
    factories.dispute(charge, id="dp_1", status="won", created_at=NOON + timedelta(hours=2))
    with transaction():
        trail.record(Actor("staff", "ana@shop.example"), "object.synced", "charge", charge.id)

    page = staff(app).get(f"/admin/charges/{charge.id}")

    said = [
        "ana@shop.example read",
        "Dispute closed",
        "The bank disputes 50.00 EUR",
        "Refunded 10.00 EUR someone",
        "Payment succeeded",
    ]
    assert [page.words.count(words) for words in said] == [1] * 5
    places = [page.words.index(words) for words in said]
    assert places == sorted(places)


def test_a_debit_has_a_start_and_an_end(app: Flask) -> None:
    charge = factories.charge(created_at=NOON, method_type="sepa_debit", brand=None)
    factories.event(type="charge.pending", object_id=charge.id, created_at=NOON)
    factories.event(type="charge.succeeded", object_id=charge.id, created_at=NOON + timedelta(days=5))

    page = staff(app).get(f"/admin/charges/{charge.id}")

    assert (page.words.count("Payment started"), page.words.count("Payment succeeded")) == (1, 1)


def test_who_may_not_refund_sees_no_button_and_masked_addresses(app: Flask) -> None:
    charge = factories.charge(receipt_email="mira@example.com")

    page = staff(app, "view_only").get(f"/admin/charges/{charge.id}")

    assert "m***@example.com" in page.words
    assert "mira@example.com" not in page.html
    assert not [link for link in page.links if link.startswith("/admin/refunds/new")]


@pytest.mark.parametrize("key", ["ch_none", "0", "-1", "%00", "a" * 300, "<script>"])
def test_an_unknown_payment_is_a_404(app: Flask, key: str) -> None:
    staff(app).get(f"/admin/charges/{key}", expect=404)


def test_a_payment_of_another_account_is_unknown_here(app: Flask) -> None:
    factories.account()
    other = factories.another_account()
    charge = factories.charge(account_id=other.id)

    desk = staff(app)

    desk.get(f"/admin/charges/{charge.id}", expect=404)
    assert charge.id not in desk.get(LIST).html


def test_nothing_from_outside_is_taken_for_markup(app: Flask) -> None:
    customer = factories.customer(email=f"{EVIL}@example.com", name=EVIL)
    charge = factories.charge(
        customer_id=customer.id, description=EVIL, failure_message=EVIL, status="failed", decline_code=EVIL, brand=EVIL,
        outcome_type=EVIL, risk_level=EVIL, labels={EVIL: EVIL}, raw=factories.packed({"id": "ch", EVIL: EVIL}),
        country=EVIL, method_type=EVIL, statement_descriptor=EVIL, advice_code=EVIL, network_decline_code=EVIL,
    )  # fmt: skip
    desk = staff(app)

    for path in (LIST, f"{LIST}{charge.id}", f"/admin/customers/{customer.id}", "/admin/customers/", "/admin/"):
        assert "<script>alert" not in desk.get(path).html.lower(), path


def test_an_unknown_state_of_stripe_is_shown_and_breaks_nothing(app: Flask) -> None:
    charge = factories.charge(
        status="brand_new", risk_level="galactic", method_type="barter", currency="xyz", last4=None
    )

    page = staff(app).get(f"/admin/charges/{charge.id}")

    assert "Brand new" in page.words
    assert "Barter" in page.words
