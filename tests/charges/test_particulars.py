"""What a payment's page says beyond the row, and what it warns of."""

from datetime import timedelta
from typing import Any

from flask import Flask

from tests import factories
from tests.desk import staff
from tests.factories import NOON

PAID: dict[str, Any] = {
    "id": "ch",
    "outcome": {"type": "issuer_declined", "risk_score": 68, "seller_message": "The bank declined it."},
    "payment_method_details": {
        "type": "card",
        "card": {
            "brand": "visa",
            "funding": "credit",
            "exp_month": 4,
            "exp_year": 2031,
            "network": "visa",
            "wallet": {"type": "apple_pay"},
            "checks": {"cvc_check": "fail", "address_postal_code_check": "pass", "address_line1_check": None},
            "three_d_secure": {"result": "authenticated", "authentication_flow": "challenge", "version": "2.2.0"},
            "network_transaction_id": "104102978678771",
        },
    },
}


def test_the_banks_answer_the_card_and_the_checks_are_told_in_words(app: Flask) -> None:
    charge = factories.charge(
        status="failed",
        paid=False,
        amount_captured=0,
        decline_code="insufficient_funds",
        network_decline_code="51",
        network_advice_code="24",
        advice_code="try_again_later",
        outcome_type="issuer_declined",
        risk_level="elevated",
        raw=factories.packed(PAID),
    )

    words = staff(app).get(f"/admin/charges/{charge.id}").words

    for said in (
        "Network’s decline code 51 Not enough money",
        "Network’s advice code 24 Try again after an hour",
        "Advice try_again_later Trying later may help",
        "Risk Elevated score 68 of 100",
        "Funding Credit",
        "Expires 04/2031",
        "Wallet Apple pay",
        "Security code Does not match",
        "Postal code Matches",
        "3-D Secure Confirmed the bank answers for fraud",
        "Asked The customer was asked",
        "104102978678771",
    ):
        assert said in words, said
    assert "Street" not in words


def twins(app: Flask, **other: Any) -> tuple[str, str]:
    """The words of both pages of two payments that differ in `other`."""
    customer = factories.customer()
    plain = {"customer_id": customer.id, "amount": 5_000, "created_at": NOON}
    one = factories.charge(**plain, payment_intent_id=f"pi_{customer.id}")
    two = factories.charge(**{**plain, "created_at": NOON + timedelta(minutes=9), "payment_intent_id": None} | other)
    desk = staff(app)
    first, second = (desk.get(f"/admin/charges/{charge.id}") for charge in (one, two))
    assert (f"/admin/charges/{two.id}" in first.links) == (f"/admin/charges/{one.id}" in second.links)
    return first.words, second.words


def test_the_same_amount_twice_within_minutes_is_flagged_on_both(app: Flask) -> None:
    first, second = twins(app)

    assert "Possibly paid twice." in first
    assert "Possibly paid twice." in second


def test_what_differs_is_no_twin(app: Flask) -> None:
    for other in (
        {"amount": 5_001},
        {"currency": "usd"},
        {"customer_id": factories.customer().id},
        {"created_at": NOON + timedelta(hours=2)},
        {"status": "failed", "paid": False},
    ):
        for words in twins(app, **other):
            assert "Possibly paid twice" not in words, other


def test_told_failed_paid_again_and_the_first_went_through_after_all(app: Flask) -> None:
    customer = factories.customer()
    plain = {"customer_id": customer.id, "amount": 5_000}
    failed = {"status": "failed", "paid": False, "amount_captured": 0}
    factories.charge(**plain, **failed, payment_intent_id="pi_one", created_at=NOON)
    late = factories.charge(**plain, payment_intent_id="pi_one", created_at=NOON + timedelta(hours=5))
    again = factories.charge(**plain, payment_intent_id="pi_two", created_at=NOON + timedelta(minutes=4))
    desk = staff(app)

    for one, other in ((late, again), (again, late)):
        page = desk.get(f"/admin/charges/{one.id}")
        assert "Possibly paid twice." in page.words
        assert f"/admin/charges/{other.id}" in page.links


def test_once_one_of_them_is_refunded_the_other_pays_for_the_order(app: Flask) -> None:
    first, second = twins(app, refunded=True, amount_refunded=5_000)

    assert "The other is refunded; this one pays for the order." in first
    assert "This one is refunded; the other pays for the order." in second


def test_a_guest_is_known_by_the_card(app: Flask) -> None:
    first, second = twins(app, customer_id=None, fingerprint="fp_1")
    assert "Possibly" not in first + second
    one = factories.charge(amount=700, fingerprint="fp_2", created_at=NOON)
    two = factories.charge(amount=700, fingerprint="fp_2", created_at=NOON + timedelta(minutes=1))

    assert f"/admin/charges/{two.id}" in staff(app).get(f"/admin/charges/{one.id}").links
