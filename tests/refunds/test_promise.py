"""What may be promised, and that a refused promise leaves nothing behind."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from app.actor import Actor
from app.database import db, transaction
from app.errors import (
    BadAmount,
    BadRequest,
    ChargeNotRefundable,
    Conflict,
    CurrencyMismatch,
    DomainError,
    ReasonMissing,
    RefundExceedsBalance,
    RefundInProgress,
    Unknown,
)
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.refund import Refund
from app.money import MinorUnits, Money
from app.refunds.operations import refund_charge
from tests import factories
from tests.refunds.fake_gateway import FakeGateway

pytestmark = pytest.mark.usefixtures("app")

ANA = Actor("staff", "ana@shop.example", "192.0.2.7", "req-1")
BEN = Actor("staff", "ben@shop.example")


def give_back(charge: Charge, minor: int, gateway: FakeGateway, **changes: Any) -> Refund:
    words: dict[str, Any] = {
        "promise_id": uuid4(),
        "reason": "requested_by_customer",
        "reason_text": "Sent the wrong size",
        "actor": ANA,
    }
    amount = changes.pop("money", None) or Money(MinorUnits(minor), charge.currency)
    return refund_charge(charge.id, amount, gateway=gateway, **words | changes)


def assert_refused(charge: Charge, minor: int, rule: type[DomainError], words: str, **changes: Any) -> None:
    gateway, refunds, acts = FakeGateway(), db.session.query(Refund).count(), db.session.query(AuditLog).count()

    with pytest.raises(rule, match=words):
        give_back(charge, minor, gateway, **changes)

    assert gateway.keys == []
    assert db.session.query(Refund).count() == refunds
    assert db.session.query(AuditLog).count() == acts


def test_a_refund_is_promised_asked_for_and_kept() -> None:
    charge, gateway, promise = factories.charge(payment_intent_id="pi_1"), FakeGateway(), uuid4()

    refund = give_back(charge, 2_000, gateway, promise_id=promise)

    assert gateway.keys == [f"refund:{promise}"]
    assert gateway.made[f"refund:{promise}"]["metadata"] == {
        "counterfoil_refund": str(promise),
        "counterfoil_note": "Sent the wrong size",
    }
    assert (refund.id, refund.stripe_id, refund.status) == (promise, "re_1", "succeeded")
    assert (refund.amount, refund.currency, refund.charge_id) == (2_000, "eur", charge.id)
    assert (refund.requested_by, refund.reason_text) == ("ana@shop.example", "Sent the wrong size")
    assert db.session.query(Refund).count() == 1


def test_the_act_and_its_answer_are_two_lines_of_the_audit() -> None:
    charge = factories.charge()

    refund = give_back(charge, 2_000, FakeGateway())

    asked, answered = db.session.query(AuditLog).order_by(AuditLog.id)
    assert (asked.action, asked.actor, asked.ip) == ("refund.requested", "ana@shop.example", "192.0.2.7")
    assert (asked.object_type, asked.object_id, asked.reason) == ("refund", str(refund.id), "Sent the wrong size")
    assert asked.before == {"refundable": "50.00 EUR"}
    assert asked.after == {"charge": charge.id, "amount": "20.00 EUR", "reason": "requested_by_customer"}
    assert (answered.action, answered.actor_kind, answered.object_id) == ("refund.answered", "stripe", str(refund.id))
    assert answered.after == {"status": "succeeded", "stripe_id": "re_1", "request_id": "req_1"}


def test_no_more_than_what_is_left() -> None:
    charge = factories.charge(amount=5_000)

    assert_refused(charge, 5_001, RefundExceedsBalance, "Only 50.00 EUR of 50.00 EUR is left")


def test_several_refunds_up_to_the_last_cent_and_not_beyond() -> None:
    charge, gateway = factories.charge(amount=5_000), FakeGateway()

    give_back(charge, 2_000, gateway)
    assert_refused(charge, 3_001, RefundExceedsBalance, "Only 30.00 EUR .* Last: 20.00 EUR by ana@shop.example on ")
    give_back(charge, 3_000, gateway, actor=BEN)

    assert len(gateway.made) == 2
    assert_refused(charge, 1, ChargeNotRefundable, "already refunded in full. Last: 30.00 EUR by ben@shop.example on ")


def test_only_what_was_captured_can_go_back() -> None:
    charge = factories.charge(amount=5_000, amount_captured=4_000)

    assert_refused(charge, 4_001, RefundExceedsBalance, "Only 40.00 EUR of 40.00 EUR is left")


def test_what_stripe_counted_counts_even_when_its_refunds_have_not_arrived_yet() -> None:
    charge = factories.charge(amount=5_000, amount_refunded=4_500)

    assert_refused(charge, 501, RefundExceedsBalance, "Only 5.00 EUR of 50.00 EUR is left")


def test_a_refund_that_failed_later_can_be_given_again() -> None:
    charge, gateway = factories.charge(amount=5_000), FakeGateway()
    factories.refund(charge, amount=5_000, status="failed")

    refund = give_back(charge, 5_000, gateway)

    assert refund.status == "succeeded"


@pytest.mark.parametrize(("currency", "minor", "words"), [("jpy", 501, "500 JPY"), ("kwd", 510, "0.500 KWD")])
def test_the_rule_speaks_every_currency(currency: str, minor: int, words: str) -> None:
    assert_refused(factories.charge(amount=500, currency=currency), minor, RefundExceedsBalance, f"Only {words} of")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"status": "failed", "paid": False, "amount_captured": 0}, "This payment failed"),
        ({"status": "pending", "paid": False}, "has not gone through yet"),
        ({"captured": False, "amount_captured": 0}, "only authorised"),
        ({"disputed": True}, "the dispute itself has not arrived"),
    ],
)
def test_a_payment_without_money_in_hand_is_not_refundable(state: dict[str, Any], words: str) -> None:
    assert_refused(factories.charge(**state), 100, ChargeNotRefundable, words)


@pytest.mark.parametrize("minor", [0, -1])
def test_nothing_and_less_is_no_refund(minor: int) -> None:
    assert_refused(factories.charge(), minor, BadAmount, "above zero")


def test_another_currency_is_refused() -> None:
    assert_refused(factories.charge(), 0, CurrencyMismatch, "made in EUR, not USD", money=Money(MinorUnits(100), "usd"))


def test_a_reason_in_words_is_needed() -> None:
    assert_refused(factories.charge(), 100, ReasonMissing, "Write a sentence", reason_text=" \0 ")


def test_a_reason_has_an_end() -> None:
    assert_refused(factories.charge(), 100, BadRequest, "1001 characters", reason_text="x" * 1_001)


def test_a_reason_nobody_offered_is_refused() -> None:
    assert_refused(factories.charge(), 100, BadRequest, "one of the reasons", reason="because")


def test_a_payment_that_does_not_exist() -> None:
    assert_refused(Charge(id="ch_none", currency="eur"), 100, Unknown, "no such payment")


def test_the_same_form_sent_twice_is_one_refund() -> None:
    charge, gateway, promise = factories.charge(), FakeGateway(), uuid4()

    first = give_back(charge, 2_000, gateway, promise_id=promise)
    second = give_back(charge, 2_000, gateway, promise_id=promise)

    assert second.id == first.id
    assert gateway.keys == [f"refund:{promise}"]
    assert db.session.query(AuditLog).filter_by(action="refund.requested").count() == 1


def test_a_used_form_is_no_ticket_for_another_amount_or_payment() -> None:
    charge, promise = factories.charge(), uuid4()
    give_back(charge, 2_000, FakeGateway(), promise_id=promise)

    assert_refused(charge, 1_000, Conflict, "already sent for another refund", promise_id=promise)
    assert_refused(factories.charge(), 2_000, Conflict, "already sent for another refund", promise_id=promise)


def test_while_one_is_unanswered_the_next_is_told_by_whom_and_since_when() -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.lose_answers = 1
    give_back(charge, 1_000, gateway)

    assert_refused(charge, 1_000, RefundInProgress, "Already in progress: 10.00 EUR by ana@shop.example on ", actor=BEN)


def test_the_database_keeps_the_rule_when_python_forgets_it() -> None:
    charge = factories.charge(amount=5_000)

    for promise in (UUID(int=1), UUID(int=2)):
        row = Refund(
            id=promise, account_id=charge.account_id, charge_id=charge.id, amount=5_001, currency="eur",
            status="requested", seen_at=factories.NOON, heard_at=factories.NOON, rank=0,
        )  # fmt: skip
        with pytest.raises(Exception, match="exceeds what is left"), transaction():
            db.session.add(row)
    assert db.session.query(Refund).count() == 0


@pytest.mark.parametrize("status", ["needs_response", "under_review", "appeal_needs_response", "appeal_under_review"])
def test_an_open_chargeback_blocks_and_says_why(status: str) -> None:
    charge = factories.charge(disputed=True)
    factories.dispute(charge, status=status, is_charge_refundable=True)

    assert_refused(charge, 100, ChargeNotRefundable, "already taking this money back")


@pytest.mark.parametrize("status", ["lost", "prevented"])
def test_a_payment_the_bank_took_back_is_not_refunded_again(status: str) -> None:
    charge = factories.charge(disputed=True)
    factories.dispute(charge, status=status, is_charge_refundable=False)

    assert_refused(charge, 100, ChargeNotRefundable, f"already settled this payment .dispute {status}")


@pytest.mark.parametrize(
    ("status", "refundable"),
    [("warning_needs_response", True), ("warning_closed", True), ("won", False), ("won", True)],
)
def test_an_inquiry_and_a_won_dispute_do_not_block(status: str, refundable: bool) -> None:
    charge, gateway = factories.charge(disputed=True), FakeGateway()
    factories.dispute(charge, status=status, is_charge_refundable=refundable)

    refund = give_back(charge, 5_000, gateway)

    assert refund.status == "succeeded"


def test_a_dispute_that_arrives_while_the_form_is_open_blocks() -> None:
    charge, gateway = factories.charge(), FakeGateway()
    assert charge.refund_obstacle is None

    factories.dispute(charge)

    assert_refused(charge, 5_000, ChargeNotRefundable, "already taking this money back")
    assert gateway.keys == []
