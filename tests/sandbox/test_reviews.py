"""Reviews: payments set aside until somebody has looked at them; and what can be changed behind everybody's back."""

from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import balance, books, charge_of, events, pay, refused
from tests.sandbox.sdk_types import misfits


def under_review(sandbox: Sandbox, **more: Any) -> tuple[str, str]:
    """(charge, review)"""
    charge = charge_of(pay(sandbox.stripe(), **more)).id
    return charge, sandbox.control("POST", "money/review", {"charge": charge})["id"]


def test_a_payment_set_aside_is_approved(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge, review = under_review(sandbox)
    opened = client.v1.reviews.retrieve(review)
    assert [one.id for one in client.v1.reviews.list({}).data] == [review]

    approved = client.v1.reviews.approve(review)

    assert (opened.open, opened.reason, opened.opened_reason) == (True, "rule", "rule")
    assert (approved.open, approved.reason, approved.closed_reason) == (False, "approved", "approved")
    held = client.v1.charges.retrieve(charge, {"expand": ["payment_intent"]})
    assert isinstance(held.payment_intent, stripe.PaymentIntent)
    assert held.review == held.payment_intent.review == review
    assert events(sandbox)[-2:] == ["review.opened", "review.closed"]
    again = refused(client.v1.reviews.approve, review)
    assert again.http_status == 400
    assert [one.id for one in client.v1.reviews.list({}).data] == []
    assert client.v1.reviews.retrieve(review).open is False
    assert {line for one in sandbox.objects("review") for line in misfits(one, stripe.Review)} == set()


@pytest.mark.parametrize(("reason", "closed"), [("fraudulent", "refunded_as_fraud"), ("duplicate", "refunded")])
def test_a_refund_ends_the_review(sandbox: Sandbox, reason: Any, closed: str) -> None:
    client = sandbox.stripe()
    charge, review = under_review(sandbox)

    client.v1.refunds.create({"charge": charge, "amount": 500, "reason": reason})
    assert client.v1.reviews.retrieve(review).open is True
    client.v1.refunds.create({"charge": charge, "reason": reason})

    assert client.v1.reviews.retrieve(review).closed_reason == closed


def test_a_dispute_ends_the_review(sandbox: Sandbox) -> None:
    charge, review = under_review(sandbox)

    sandbox.control("POST", "money/dispute", {"charge": charge})

    assert sandbox.stripe().v1.reviews.retrieve(review).closed_reason == "disputed"


def test_letting_held_money_go_ends_the_review(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, capture_method="manual")
    review = sandbox.control("POST", "money/review", {"charge": charge_of(intent).id, "by": "manual"})

    client.v1.payment_intents.cancel(intent.id)

    assert client.v1.reviews.retrieve(review["id"]).closed_reason == "canceled"
    assert review["opened_reason"] == "manual"


def test_what_is_under_review_is_not_set_aside_again(sandbox: Sandbox) -> None:
    charge, _ = under_review(sandbox)

    answer = sandbox.http.post(f"{sandbox.url}/_control/money/review", json={"charge": charge}, timeout=10)

    assert answer.status_code == 400
    assert len(sandbox.objects("review")) == 1


def test_a_dispute_can_come_without_anybody_being_told(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client)).id
    before = events(sandbox)

    sandbox.control("POST", "money/dispute", {"charge": charge, "silent": True})

    assert events(sandbox) == before
    assert client.v1.charges.retrieve(charge).disputed is True
    assert len(client.v1.disputes.list({"charge": charge}).data) == 1
    assert balance(client) == books(sandbox)


def test_a_field_changes_behind_everybodys_back(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client, metadata={"a": "1"})).id
    before = events(sandbox)

    sandbox.control("POST", f"objects/charge/{charge}", {"set": {"metadata": {"b": "2"}, "description": "Drifted"}})
    drifted = client.v1.charges.retrieve(charge)
    assert (drifted.metadata.to_dict(), drifted.description) == ({"a": "1", "b": "2"}, "Drifted")
    assert events(sandbox) == before
    sandbox.control("POST", f"objects/charge/{charge}", {"set": {"description": None}, "event": "charge.updated"})

    last = sandbox.get("/v1/events")["data"][0]
    assert (last["type"], last["data"]["previous_attributes"]) == ("charge.updated", {"description": "Drifted"})
