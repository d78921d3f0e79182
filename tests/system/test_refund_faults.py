"""A refund whose answer is lost or unreadable: it is never asked for with another key, and never called failed."""

from typing import Any

import pytest

from app.gateways.current import gateway
from app.refunds.recovery import recover
from tests.desk import Desk, staff
from tests.system.shop import REFUNDS, Shop, form

NEW = "/admin/refunds/new"

# What a line, a proxy or Stripe itself can do to an answer after the refund was made.
SPOILT: dict[str, dict[str, Any]] = {
    "reset": {"reset": True},
    "500, do not retry": {"status": 500, "headers": {"stripe-should-retry": "false"}},
    "500": {"status": 500},
    "409": {"status": 409},
    "503": {"status": 503},
    "502 as HTML": {"html": True},
    "cut JSON": {"cut": 20},
    "gzip garbage": {"garbage": True},
    "wrong length": {"content_length": 10_000},
}


def click(ana: Desk, charge_id: str, amount: str = "20.00") -> str:
    """Refund through the form; the address of the refund's page."""
    ana.get(f"{NEW}?charge={charge_id}")
    return ana.post(NEW, form(charge_id, amount)).location or ""


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT.keys())
def test_a_lost_answer_is_being_checked_until_stripe_was_looked_at(shop: Shop, spoilt: dict[str, Any]) -> None:
    charge_id, ana = shop.pay(), staff(shop.app, email="ana@shop.example")
    shop.sandbox.fault("POST", REFUNDS, when="after", **spoilt)

    url = click(ana, charge_id)

    page = ana.get(url)
    assert "Being checked" in page.words
    assert "Traceback" not in page.html
    assert [link for link in page.links if link.startswith(NEW)] == []
    assert (
        "Already in progress: 20.00 EUR by ana@shop.example on "
        in ana.post(NEW, form(charge_id, "20.00"), expect=409).words
    )
    assert shop.row().status == "requested"
    shop.sandbox.heal()

    assert recover(gateway()) == 1

    assert "Succeeded" in ana.get(url).words
    assert len(shop.keys()) == 1
    [made] = shop.made()
    assert (shop.row().stripe_id, shop.row().requested_by) == (made["id"], "ana@shop.example")
    assert shop.acts() == [("refund.requested", "staff"), ("refund.answered", "stripe")]
    assert "Only 30.00 EUR of 50.00 EUR is left" in ana.post(NEW, form(charge_id, "30.01"), expect=422).words


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT.keys())
def test_an_answer_lost_once_is_asked_for_again_with_the_same_key_or_looked_up(
    shop: Shop, spoilt: dict[str, Any]
) -> None:
    charge_id, ana = shop.pay(), staff(shop.app)
    shop.sandbox.fault("POST", REFUNDS, when="after", times=1, **spoilt)

    url = click(ana, charge_id)
    recover(gateway())

    assert "Succeeded" in ana.get(url).words
    assert len(shop.keys()) == len(shop.made()) == 1


def test_a_request_that_never_arrived_is_made_once_stripe_is_back(shop: Shop) -> None:
    charge_id, ana = shop.pay(), staff(shop.app)
    shop.sandbox.fault("POST", REFUNDS, when="before", status=503)
    shop.sandbox.fault("GET", REFUNDS, when="before", status=503)
    url = click(ana, charge_id)
    assert shop.made() == []

    assert recover(gateway()) == 0
    assert "Being checked" in ana.get(url).words
    shop.sandbox.heal()
    assert recover(gateway()) == 1

    assert "Succeeded" in ana.get(url).words
    assert len(shop.keys()) == len(shop.made()) == 1


def test_the_answer_is_found_even_after_stripe_forgot_the_key(shop: Shop) -> None:
    charge_id, ana = shop.pay(), staff(shop.app)
    shop.sandbox.fault("POST", REFUNDS, when="after", reset=True)
    url = click(ana, charge_id)
    shop.sandbox.heal()
    shop.sandbox.control("POST", "idempotency/prune", {})

    assert recover(gateway()) == 1

    assert "Succeeded" in ana.get(url).words
    assert len(shop.made()) == 1


def test_stripes_clear_no_is_final_and_frees_the_payment(shop: Shop) -> None:
    charge_id, ana = shop.pay(), staff(shop.app)
    # Somebody refunded in the dashboard, and we have not heard of it.
    shop.sandbox.stripe().v1.refunds.create({"charge": charge_id, "amount": 4_000})

    page = ana.get(click(ana, charge_id, "20.00"))

    assert "Refused" in page.words
    assert shop.row().status == "refused"
    assert shop.acts() == [("refund.requested", "staff"), ("refund.refused", "stripe")]
    assert sum(made["amount"] for made in shop.made()) == 4_000
    shop.sync(charge_id)
    assert "Succeeded" in ana.get(click(ana, charge_id, "10.00")).words
