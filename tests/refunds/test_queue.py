"""Failed refunds wait for a person; pending ones show how long they wait, and for what."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app import clock
from app.database import db, transaction
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.refund import Refund
from app.refunds import cases
from tests import factories
from tests.desk import staff
from tests.queries import counted

QUEUE = "/admin/refund-queue/"


def test_a_refund_that_failed_reopens_the_amount_and_waits_until_a_person_closes_it(app: Flask) -> None:
    ana, charge = staff(app), factories.charge(amount=5_000)
    refund = factories.refund(charge, amount=2_000)
    assert charge.refundable.minor == 3_000
    with transaction():
        db.session.execute(db.update(Refund).values(status="failed", failure_reason="expired_or_canceled_card"))

    waiting = ana.get(f"{QUEUE}?queue=act")
    ana.post(f"/admin/refunds/{refund.id}/close", {"words": "Sent by bank transfer"})

    assert "Expired or canceled card The money did not arrive" in waiting.words
    assert "Give the money back in another way." in waiting.words
    db.session.expire_all()
    assert db.session.get_one(Charge, charge.id).refundable.minor == 5_000
    assert "Nothing matches" in ana.get(f"{QUEUE}?queue=act").words
    page = ana.get(f"/admin/refunds/{refund.id}").words
    assert f"Case closed Sent by bank transfer ({ana.email}" in page
    assert f"{ana.email} closed the case of refund" in page


@pytest.mark.parametrize(
    ("status", "words", "says"), [("failed", " ", "Write a sentence"), ("succeeded", "x", "Only a refund")]
)
def test_what_did_not_fail_or_has_no_words_is_not_closed(app: Flask, status: str, words: str, says: str) -> None:
    ana = staff(app)
    refund = factories.refund(factories.charge(), status=status)

    ana.post(f"/admin/refunds/{refund.id}/close", {"words": words})

    assert says in ana.get(f"/admin/refunds/{refund.id}").words
    assert db.session.query(AuditLog).filter_by(action="refund.closed").count() == 0


def test_a_case_is_closed_once(app: Flask) -> None:
    ana, ben, refund = staff(app), staff(app), factories.refund(factories.charge(), status="failed")
    ana.post(f"/admin/refunds/{refund.id}/close", {"words": "Sent by bank transfer"})

    ben.post(f"/admin/refunds/{refund.id}/close", {"words": "Also me"})

    assert f"{ana.email} has closed this already." in ben.get(f"/admin/refunds/{refund.id}").words
    assert db.session.query(AuditLog).filter_by(action="refund.closed").count() == 1


def test_pending_ones_show_their_reason_and_age_and_late_ones_need_a_person(app: Flask) -> None:
    ana, now = staff(app), clock.now()
    for days, why in ((1, "processing"), (20, "insufficient_funds")):
        factories.refund(
            factories.charge(), status="pending", pending_reason=why, created_at=now - timedelta(days=days)
        )
    factories.refund(factories.charge(), status="succeeded")

    assert ana.get(f"{QUEUE}?queue=pending").words.count("Pending") > ana.get(f"{QUEUE}?queue=late").words.count(
        "Pending"
    )
    late = ana.get(f"{QUEUE}?queue=late").words
    assert "Insufficient funds" in late
    assert "Processing Stripe has it" not in late
    assert "1 refund" in ana.get(f"{QUEUE}?queue=act").words
    assert "1 refund" in ana.get(f"{QUEUE}?pending=processing").words
    assert "2 refunds" in ana.get(QUEUE).words


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        ("2026-11-20", "2026-11-23", 1),
        ("2026-11-21", "2026-11-22", 0),
        ("2026-11-02", "2026-11-16", 10),
        ("2026-11-23", "2026-11-20", 0),
    ],
)
def test_business_days_leave_out_the_weekend(since: str, until: str, days: int) -> None:
    start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (since, until))

    assert cases.business_days(start, end) == days
    assert cases.days_before(datetime(2026, 11, 16, tzinfo=UTC), 10) == datetime(2026, 11, 2, tzinfo=UTC)


def test_the_queue_asks_a_fixed_number_of_questions(app: Flask) -> None:
    ana = staff(app)
    for _ in range(8):
        factories.refund(factories.charge(), status="failed")

    with counted() as queries:
        ana.get(QUEUE)

    assert len(queries) == 3
