"""What a dispute is, as its row and the database say it: settled early, final, past its deadline, closed on which day."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import clock
from app.database import db, transaction
from app.mirror import disputes
from app.mirror.news import News
from app.models.dispute import Dispute
from app.models.dispute_states import SETTLED_EARLY
from tests import factories
from tests.desk import staff
from tests.factories import NOON

SECOND = int(NOON.timestamp())


def line(fee: int, category: str = "dispute", *, created: int = SECOND) -> dict[str, Any]:
    amount = -5_000 if category == "dispute" else 5_000
    return {
        "id": f"txn_{category}_{fee}", "amount": amount, "fee": fee, "net": amount - fee, "currency": "eur",
        "reporting_category": category, "created": created,
    }  # fmt: skip


def heard(status: str, *lines: dict[str, Any], at: int = 0, **more: Any) -> Dispute:
    """A dispute as Stripe tells of it, `at` seconds after it was opened."""
    body = {
        "id": "du_1", "object": "dispute", "amount": 5_000, "currency": "eur", "status": status, "reason": "fraudulent",
        "created": SECOND, "balance_transactions": list(lines), "is_charge_refundable": False,
        "evidence_details": {"due_by": SECOND + 86_400, "submission_count": 0},
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "case_type": "chargeback"}},
    }  # fmt: skip
    with transaction():
        account_id = factories.account().id
        instant = clock.from_unix(SECOND + at)
        disputes.save_all([body | more], News(account_id, instant, instant, by_read=True))
    return db.session.get_one(Dispute, "du_1", populate_existing=True)


@pytest.mark.parametrize(
    ("status", "lines", "early"),
    [
        ("lost", [line(0)], True),
        ("lost", [line(1_500)], False),
        ("lost", [], False),
        ("lost", [line(1_500), line(0, "dispute_reversal")], False),
        ("prevented", [], True),
        ("won", [line(0), line(0, "dispute_reversal")], False),
        # While it can be answered, nothing may hide that.
        ("needs_response", [line(0)], False),
        ("warning_closed", [], False),
    ],
)
def test_what_cost_no_fee_or_was_prevented_was_settled_early(
    app: Flask, status: str, lines: list[dict[str, Any]], early: bool
) -> None:
    dispute = heard(status, *lines)
    desk = staff(app, "dispute_analyst")

    assert dispute.is_settled_early is early
    assert (db.session.scalar(select(Dispute.id).where(SETTLED_EARLY)) is not None) is early
    assert ("Rapid resolution" in desk.get("/admin/disputes/du_1").words) is early
    assert ("du_1" in desk.get("/admin/disputes/?status=prevented").html) is early
    assert ("du_1" in desk.get("/admin/disputes/?status=lost").html) is (status == "lost" and not early)


def test_a_dispute_of_a_debit_has_no_form_whatever_its_status_says(app: Flask) -> None:
    for method, words in (("sepa_debit", "SEPA debits"), ("bacs_debit", "Bacs debits")):
        dispute = factories.dispute(factories.charge(method_type=method), method_type=method)
        desk = staff(app, "dispute_analyst")

        page = desk.get(f"/admin/disputes/{dispute.id}/evidence")
        refused = desk.post(
            f"/admin/disputes/{dispute.id}/evidence", {"number": "0", "customer_name": "Mona"}, expect=422
        )

        assert f"Disputes of {words} are final" in page.words
        assert [form for form in page.forms if "number" in form] == []
        assert "are final" in refused.words
        details = desk.get(f"/admin/disputes/{dispute.id}")
        assert f"Disputes of {words} are final." in details.words
        assert f"/admin/disputes/{dispute.id}/evidence" not in details.links


def test_past_its_deadline_everything_is_there_to_read_and_nothing_to_write(app: Flask) -> None:
    dispute = factories.dispute(factories.charge(), due_at=clock.now() + timedelta(minutes=1))
    desk = staff(app, "dispute_analyst")
    path = f"/admin/disputes/{dispute.id}"
    desk.get(f"{path}/evidence")
    with transaction():
        db.session.get_one(Dispute, dispute.id).due_at = clock.now() - timedelta(seconds=1)

    page = desk.get(f"{path}/evidence")
    late = desk.post(f"{path}/evidence", {"number": "0", "product_type": "", "customer_name": "Mona"}, expect=422)

    assert "The deadline has passed." in page.words
    assert "Save draft" not in page.words
    assert "readonly" in page.html
    assert "The deadline passed on" in late.words
    assert "Mona" in desk.get(f"{path}/texts").words
    assert "The deadline has passed." in desk.get(path).words
    assert "Nothing can be submitted." in desk.get(f"{path}/submit").words


def test_the_day_it_was_closed_is_the_one_stripe_told(app: Flask) -> None:
    assert heard("needs_response", line(1_500)).closed_at is None
    factories.event(object_id="du_1", type="charge.dispute.closed", created_at=NOON + timedelta(seconds=70))

    assert heard("lost", line(1_500), at=90).closed_at == NOON + timedelta(seconds=70)
    assert heard("lost", line(1_500), at=300).closed_at == NOON + timedelta(seconds=70)
    assert heard("appeal_needs_response", line(1_500), at=400).closed_at is None
    back = line(0, "dispute_reversal", created=SECOND + 480)
    assert heard("won", line(1_500), back, at=500).closed_at == NOON + timedelta(seconds=480)


def test_without_word_of_its_end_it_closed_when_it_was_first_seen_closed(app: Flask) -> None:
    heard("needs_response", line(1_500))

    assert heard("lost", line(1_500), at=90).closed_at == NOON + timedelta(seconds=90)
    assert heard("lost", line(1_500), at=900).closed_at == NOON + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("status", "due_by", "known"), [("lost", SECOND + 86_400, False), ("lost", 0, True), ("prevented", 0, True)]
)
def test_what_was_closed_before_we_knew_it_has_a_day_only_where_the_object_tells(
    app: Flask, status: str, due_by: int, known: bool
) -> None:
    dispute = heard(status, line(1_500), at=500, evidence_details={"due_by": due_by})

    assert dispute.closed_at == (NOON if known else None)
