"""An answer that never came: looked up first, asked again only with the same key, never given up by age."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.errors import Conflict, ReasonMissing
from app.mirror import refunds as mirrored_refunds
from app.mirror.news import News
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.refund import Refund
from app.money import MinorUnits, Money
from app.refunds.operations import promise_refund, refund_charge
from app.refunds.recovery import recover, withdraw
from tests import factories
from tests.refunds.fake_gateway import FakeGateway

pytestmark = pytest.mark.usefixtures("app")

ANA = Actor("staff", "ana@shop.example")


@pytest.fixture
def later() -> Iterator[Any]:
    """later(seconds=…): time passes."""
    with time_machine.travel(clock.now(), tick=True) as traveller:
        yield lambda **by: traveller.shift(timedelta(**by))


def give_back(charge: Charge, gateway: FakeGateway) -> Refund:
    return refund_charge(
        charge.id, Money(MinorUnits(1_000), "eur"), promise_id=uuid4(), reason="other", reason_text="Broken",
        actor=ANA, gateway=gateway,
    )  # fmt: skip


def acts() -> list[str]:
    return [row.action for row in db.session.query(AuditLog).order_by(AuditLog.id)]


def test_a_lost_answer_is_found_without_asking_again() -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.lose_answers = 1
    refund = give_back(charge, gateway)
    assert (refund.status, refund.stripe_id) == ("requested", None)

    assert recover(gateway) == 1

    db.session.refresh(refund)
    assert (refund.status, refund.stripe_id) == ("succeeded", "re_1")
    assert gateway.keys == [f"refund:{refund.id}"]
    assert acts() == ["refund.requested", "refund.answered"]


def test_a_request_that_never_arrived_is_sent_again_with_the_same_key() -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.down = True
    refund = give_back(charge, gateway)
    gateway.down = False

    assert recover(gateway) == 1

    assert gateway.keys == [f"refund:{refund.id}"] * 2
    assert list(gateway.made) == [f"refund:{refund.id}"]
    assert recover(gateway) == 0


def test_while_stripe_is_away_it_stays_requested_however_long() -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.down = True
    refund = give_back(charge, gateway)

    for _ in range(5):
        assert recover(gateway) == 0

    db.session.refresh(refund)
    assert (refund.status, refund.tries, refund.refusal) == ("requested", 6, None)
    assert acts() == ["refund.requested"]


def test_a_process_that_died_before_asking_is_taken_over_after_a_while(later: Any) -> None:
    charge, gateway = factories.charge(), FakeGateway()
    promise_refund(
        charge.id, Money(MinorUnits(1_000), "eur"), promise_id=uuid4(), reason="other", reason_text="Broken", actor=ANA
    )

    assert recover(gateway) == 0
    assert gateway.looks == []
    later(seconds=41)

    assert recover(gateway) == 1
    assert len(gateway.keys) == len(gateway.made) == 1


def test_stripes_clear_no_ends_the_promise_and_frees_the_charge() -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.refuse = "Insufficient funds."

    refund = give_back(charge, gateway)

    assert (refund.status, refund.refusal, refund.stripe_id) == ("refused", "Insufficient funds.", None)
    assert acts() == ["refund.requested", "refund.refused"]
    gateway.refuse = ""
    assert give_back(charge, gateway).status == "succeeded"


def test_after_a_day_nothing_is_asked_again_and_a_person_is_called(later: Any) -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.down = True
    refund = give_back(charge, gateway)
    gateway.down = False
    later(hours=23, minutes=1)

    recover(gateway)
    recover(gateway)

    db.session.refresh(refund)
    assert (refund.status, refund.needs_person) == ("requested", True)
    assert gateway.keys == [f"refund:{refund.id}"]
    assert gateway.made == {}
    assert acts() == ["refund.requested", "refund.needs_person"]


def test_after_a_day_what_stripe_has_is_still_found(later: Any) -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.lose_answers = 1
    refund = give_back(charge, gateway)
    later(days=3)

    assert recover(gateway) == 1

    db.session.refresh(refund)
    assert refund.status == "succeeded"


def test_a_person_withdraws_what_never_reached_stripe(later: Any) -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.down = True
    refund = give_back(charge, gateway)
    gateway.down = False
    with pytest.raises(Conflict, match="does not wait for a person"):
        withdraw(refund.id, reason_text="Not in Stripe", actor=ANA, gateway=gateway)
    later(days=1)
    recover(gateway)
    with pytest.raises(ReasonMissing):
        withdraw(refund.id, reason_text="", actor=ANA, gateway=gateway)

    withdrawn = withdraw(refund.id, reason_text="Not in Stripe", actor=ANA, gateway=gateway)

    assert withdrawn.status == "refused"
    assert acts() == ["refund.requested", "refund.needs_person", "refund.withdrawn"]
    assert charge.id == withdrawn.charge_id
    assert give_back(charge, gateway).status == "succeeded"


def test_a_webhook_faster_than_the_answer_leaves_one_row_of_the_same_person() -> None:
    charge, gateway = factories.charge(), FakeGateway()

    def webhook(body: dict[str, Any]) -> None:
        second = clock.now().replace(microsecond=0)
        with transaction():
            mirrored_refunds.save_all([body], News(charge.account_id, second, clock.now(), by_read=False))

    gateway.before_answer = webhook
    refund = give_back(charge, gateway)

    assert db.session.query(Refund).count() == 1
    assert (refund.requested_by, refund.stripe_id, refund.status) == ("ana@shop.example", "re_1", "succeeded")
    assert acts() == ["refund.requested", "refund.answered"]


def test_a_late_answer_does_not_undo_the_failure_a_webhook_told_of() -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.status = "pending"

    def webhook(body: dict[str, Any]) -> None:
        failed = body | {"status": "failed", "failure_reason": "declined"}
        second = clock.now().replace(microsecond=0) + timedelta(seconds=1)
        with transaction():
            mirrored_refunds.save_all([failed], News(charge.account_id, second, clock.now(), by_read=False))

    gateway.before_answer = webhook
    refund = give_back(charge, gateway)

    assert (refund.status, refund.failure_reason) == ("failed", "declined")


def test_a_replayed_answer_is_read_anew() -> None:
    charge, gateway = factories.charge(), FakeGateway()
    gateway.lose_answers = 1
    refund = give_back(charge, gateway)
    gateway.made[f"refund:{refund.id}"]["status"] = "failed"
    gateway.find_nothing = True

    recover(gateway)

    assert gateway.keys == [f"refund:{refund.id}"] * 2
    db.session.refresh(refund)
    assert refund.status == "failed"
