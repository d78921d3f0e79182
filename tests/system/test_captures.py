"""Held money is taken or let go once, whatever happens on the way to Stripe and back."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from app import clock
from app.actor import Actor
from app.acts.recovery import recover
from app.acts.registry import kinds
from app.audit.sentences import sentence
from app.database import db
from app.errors import Conflict, DomainError
from app.gateways.current import gateway
from app.mirror import accounts, pull
from app.models.act import Act
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.payment_intent import PaymentIntent
from app.money import MinorUnits, Money
from app.payments import operations
from tests.desk import staff
from tests.system.shop import Shop
from tests.system.test_refund_faults import SPOILT

ANA = Actor("staff", "ana@shop.example")
SEVENTY = Money(MinorUnits(7_000), "eur")


def held(shop: Shop, amount: int = 10_000) -> str:
    """A payment whose money is only reserved, known to the mirror; its intent's id."""
    charge = shop.pay(amount, capture_method="manual")
    intent_id = str(db.session.get_one(Charge, charge).payment_intent_id)
    db.session.rollback()
    pull.read_again("payment_intent", intent_id, gateway(), accounts.current(livemode=False).id)
    db.session.rollback()
    return intent_id


def capture(intent_id: str, amount: Money = SEVENTY) -> Act:
    return operations.capture_payment(intent_id, amount, promise_id=uuid4(), words="", actor=ANA, gateway=gateway())


def asked(shop: Shop, intent_id: str, what: str = "capture") -> int:
    return len(shop.sandbox.requests("POST", f"/v1/payment_intents/{intent_id}/{what}"))


def rows(intent_id: str) -> tuple[PaymentIntent, Charge]:
    db.session.rollback()
    intent = db.session.get_one(PaymentIntent, intent_id, populate_existing=True)
    return intent, db.session.get_one(Charge, intent.latest_charge_id, populate_existing=True)


def told(intent_id: str) -> list[str]:
    db.session.rollback()
    found = db.session.query(AuditLog).filter_by(object_type="payment_intent", object_id=intent_id)
    return [sentence(entry) for entry in found.order_by(AuditLog.id)]


def test_a_part_is_captured_and_the_rest_is_neither_revenue_nor_refund(shop: Shop) -> None:
    intent_id = held(shop)
    desk = staff(shop.app, "support")

    form = {"promise": str(uuid4()), "amount": "70.00", "words": "The blue one is sold out"}
    assert desk.post(f"/admin/payments/{intent_id}/capture", form).location == f"/admin/payments/{intent_id}"
    again = desk.post(f"/admin/payments/{intent_id}/capture", form)

    intent, charge = rows(intent_id)
    assert again.location == f"/admin/payments/{intent_id}"
    assert asked(shop, intent_id) == 1
    assert (intent.status, intent.amount_received, str(intent.released)) == ("succeeded", 7_000, "30.00 EUR")
    assert (charge.captured, str(charge.taken), str(charge.released)) == (True, "70.00 EUR", "30.00 EUR")
    assert (str(charge.given_back), charge.state, charge.capture_before) == ("0.00 EUR", "succeeded", None)
    assert told(intent_id) == [
        f"{desk.email} asked to capture 70.00 EUR of {intent_id}",
        f"Stripe answered capture of {intent_id}: succeeded",
    ]
    assert "30.00 EUR" in desk.get(f"/admin/payments/{intent_id}").words
    desk.post(f"/admin/payments/{intent_id}/capture", {**form, "promise": str(uuid4())}, expect=409)


def test_a_canceled_payment_releases_all_and_the_trail_says_why(shop: Shop) -> None:
    intent_id = held(shop)
    desk = staff(shop.app, "finance")

    desk.post(f"/admin/payments/{intent_id}/cancel", {"promise": str(uuid4()), "reason": "duplicate", "words": "Twice"})

    intent, charge = rows(intent_id)
    assert (intent.status, intent.cancellation_reason, charge.state) == ("canceled", "duplicate", "canceled")
    assert (str(charge.released), str(charge.given_back), charge.capture_before) == ("100.00 EUR", "0.00 EUR", None)
    entry = db.session.query(AuditLog).filter_by(action="payment.cancel.requested").one()
    assert entry.reason == "Twice"
    assert entry.after == {
        "reason": "duplicate",
        "released": "100.00 EUR",
        "act": str(db.session.query(Act.id).scalar()),
    }
    assert db.session.query(AuditLog).filter_by(action="payment.cancel.answered").count() == 1


def test_twenty_at_once_are_one_call(shop: Shop) -> None:
    intent_id = held(shop)
    start, outcomes = threading.Barrier(20), []

    def click() -> None:
        with shop.app.app_context():
            start.wait()
            try:
                outcomes.append(capture(intent_id).status)
            except DomainError as refusal:
                outcomes.append(f"{refusal.status}")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=click) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(outcomes) == ["409"] * 19 + ["done"]
    assert asked(shop, intent_id) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_second_click_while_the_first_is_unanswered_is_refused(shop: Shop, when: str) -> None:
    intent_id = held(shop)
    shop.sandbox.fault("POST", f"/v1/payment_intents/{intent_id}/capture", reset=True, when=when)
    act = capture(intent_id)
    assert act.status == "requested"

    with pytest.raises(Conflict):
        capture(intent_id)
    with pytest.raises(Conflict):
        operations.cancel_payment(intent_id, "duplicate", promise_id=uuid4(), words="", actor=ANA, gateway=gateway())
    page = staff(shop.app).get(f"/admin/payments/{intent_id}")

    assert "Capture being checked." in page.words
    assert f"/admin/payments/{intent_id}/capture" not in page.links

    shop.sandbox.heal()
    assert recover(gateway(), kinds()) == 1
    assert rows(intent_id)[0].amount_received == 7_000
    assert {request["idempotency_key"] for request in shop.sandbox.requests("POST")} >= {act.key}


def act_on(intent_id: str, what: str) -> Act:
    """Capture 70.00 EUR, or cancel."""
    if what == "capture":
        return capture(intent_id)
    return operations.cancel_payment(intent_id, "duplicate", promise_id=uuid4(), words="", actor=ANA, gateway=gateway())


def as_it_stands(intent_id: str) -> dict[str, Any]:
    """All that is kept of a payment and its charge, but ids, instants and what Stripe sent."""
    return {
        f"{row.__tablename__}.{name}": getattr(row, name)
        for row in rows(intent_id)
        for name in ("status", "amount", "amount_received", "amount_capturable", "cancellation_reason", "captured",
                     "amount_captured", "amount_refunded", "refunded", "paid", "currency", "capture_before")
        if hasattr(row, name)
    }  # fmt: skip


def assert_done_once(shop: Shop, act: Act, what: str) -> None:
    """One key, one thing that happened at Stripe, one promise and one answer here; and the rows of an undisturbed act."""
    intent_id = act.object_id
    assert {call["idempotency_key"] for call in shop.sandbox.requests("POST", act.path)} == {act.key}
    event = "charge.captured" if what == "capture" else "payment_intent.canceled"
    happened = [one for one in shop.sandbox.objects("event") if one["type"] == event]
    assert [one["data"]["object"].get("payment_intent", one["data"]["object"]["id"]) for one in happened] == [intent_id]
    said = [entry.action for entry in db.session.query(AuditLog).filter_by(object_id=intent_id).order_by(AuditLog.id)]
    assert said == [f"payment.{what}.requested", f"payment.{what}.answered"]
    calm = held(shop)
    act_on(calm, what)
    assert as_it_stands(intent_id) == as_it_stands(calm)


@pytest.mark.parametrize("what", ["capture", "cancel"])
@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT.keys())
def test_an_answer_that_is_lost_after_it_was_done_is_looked_up(shop: Shop, spoilt: dict[str, Any], what: str) -> None:
    intent_id = held(shop)
    shop.sandbox.fault("POST", f"/v1/payment_intents/{intent_id}/{what}", when="after", **spoilt)

    act = act_on(intent_id, what)
    assert act.state == "being_checked"
    shop.sandbox.heal()
    assert recover(gateway(), kinds()) == 1

    assert_done_once(shop, act, what)


@pytest.mark.parametrize("what", ["capture", "cancel"])
def test_a_request_that_never_arrived_is_sent_once_stripe_is_back(shop: Shop, what: str) -> None:
    intent_id = held(shop)
    shop.sandbox.fault("POST", f"/v1/payment_intents/{intent_id}/{what}", when="before", status=503)
    act = act_on(intent_id, what)
    assert shop.sandbox.get(f"/v1/payment_intents/{intent_id}")["status"] == "requires_capture"

    shop.sandbox.heal()
    assert recover(gateway(), kinds()) == 1

    assert_done_once(shop, act, what)


@pytest.mark.parametrize("what", ["capture", "cancel"])
def test_what_was_done_is_found_even_after_stripe_forgot_the_key(shop: Shop, what: str) -> None:
    intent_id = held(shop)
    shop.sandbox.fault("POST", f"/v1/payment_intents/{intent_id}/{what}", when="after", reset=True)
    act = act_on(intent_id, what)
    shop.sandbox.heal()
    shop.sandbox.control("POST", "idempotency/prune", {})

    assert recover(gateway(), kinds()) == 1

    assert_done_once(shop, act, what)


def test_what_somebody_else_did_meanwhile_is_stripes_no(shop: Shop) -> None:
    intent_id = held(shop)
    shop.sandbox.stripe().v1.payment_intents.cancel(intent_id)

    act = capture(intent_id)

    assert act.status == "refused"
    assert "Stripe refused the capture." in staff(shop.app).get(f"/admin/payments/{intent_id}").words
    assert asked(shop, intent_id) == 1


def test_a_stuck_payment_is_read_again_and_the_trail_holds_both_states(shop: Shop) -> None:
    intent_id = held(shop)
    shop.sandbox.stripe().v1.payment_intents.capture(intent_id, {"amount_to_capture": 4_000})
    desk = staff(shop.app)

    desk.post(f"/admin/payments/{intent_id}/read-again")
    desk.post(f"/admin/payments/{intent_id}/read-again")

    intent, charge = rows(intent_id)
    assert (intent.status, charge.amount_captured) == ("succeeded", 4_000)
    first, second = (
        db.session.query(AuditLog).filter_by(object_type="payment_intent", object_id=intent_id).order_by(AuditLog.id)
    )
    assert first.action == "payment.read_again"
    assert (first.before or {})["status"] == "requires_capture"
    assert (first.after or {})["status"] == "succeeded"
    assert (first.after or {})[f"{charge.id} amount_captured"] == 4_000
    assert (second.action, second.before, second.after) == ("object.synced", {}, {})


def test_while_stripe_is_away_a_stuck_payment_stays_as_it_is(shop: Shop) -> None:
    intent_id = held(shop)
    shop.sandbox.fault("GET", f"/v1/payment_intents/{intent_id}", status=500)

    page = staff(shop.app).post(f"/admin/payments/{intent_id}/read-again")

    assert page.location == f"/admin/payments/{intent_id}"
    assert rows(intent_id)[0].status == "requires_capture"
    assert told(intent_id) == []


def test_a_hold_that_ended_by_itself_is_released(shop: Shop) -> None:
    intent_id = held(shop)
    _, charge = rows(intent_id)
    assert charge.capture_before is not None
    assert charge.created_at is not None
    assert charge.capture_before - charge.created_at == timedelta(days=7)

    shop.sandbox.advance(8 * 86_400)
    with time_machine.travel(clock.now() + timedelta(days=8), tick=True):
        operations.read_again(intent_id, actor=ANA, gateway=gateway())
    intent, charge = rows(intent_id)

    assert (intent.status, charge.state) == ("canceled", "canceled")
    assert (str(charge.released), str(charge.given_back)) == ("100.00 EUR", "0.00 EUR")
