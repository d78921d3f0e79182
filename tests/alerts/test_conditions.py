"""A rule compares a number, a sum or an age of what it watches, be it a source or a kept view, and its alert fires once."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import clock
from app.alerts import alerts
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest
from app.models.alert import AlertRule
from app.models.job_run import JobRun
from app.models.role_policy import RolePermission
from app.models.saved_view import SavedView
from app.models.staff import Staff
from app.models.sync_window import SyncRun
from app.saved_views import operations as views
from app.staff import operations as people
from tests import factories
from tests.alerts.rules import ANA, deliveries, failed_refund, rule
from tests.desk import PASSWORD


def watched(role: str = "support_lead", **asked: str) -> dict[str, Any]:
    """A view of payments and who made it, as a rule names them."""
    people.add_staff("lea@shop.example", role=role, password=PASSWORD, actor=ANA)
    lea = db.session.query(Staff).filter_by(email="lea@shop.example").one().id
    view = views.keep(
        account_id=factories.account().id, list_name="charges", owner_id=lea, name="Failed ones",
        asked={"status": "failed"} | asked, actor=ANA,
    )  # fmt: skip
    return {"source": "view", "view_id": view.id, "maker_id": lea}


def failed_payment(amount: int = 5_000, **more: Any) -> None:
    factories.charge(
        **{"status": "failed", "paid": False, "amount_captured": 0, "amount": amount, "created_at": clock.now()} | more
    )


def looks(*, times: int = 2) -> list[int]:
    return [alerts.look(factories.account().id) for _ in range(times)]


def texts() -> list[str]:
    return [sent.text for sent in deliveries()]


def test_a_sum_above_the_amount_is_told_once_and_other_currencies_are_none_of_it(app: Flask) -> None:
    rule(measure="sum", currency="eur", more_than=9_999)
    failed_refund(amount=5_000)
    failed_refund(amount=90_000, currency="usd")
    before = looks()
    failed_refund(amount=5_000)

    assert (before, looks()) == ([0, 0], [1, 0])
    assert texts() == ["Failed refunds: 100.00 EUR, more than 99.99 EUR together."]


def test_an_age_tells_what_is_older_and_each_once(app: Flask) -> None:
    rule(source="event.dead", measure="oldest", more_than=24)
    factories.event(state="dead", received_at=clock.now() - timedelta(hours=23))
    factories.event(state="dead", received_at=clock.now() - timedelta(hours=25))

    assert looks() == [1, 0]


def test_what_began_before_the_hours_that_count_is_not_told(app: Flask) -> None:
    rule(source="event.dead", within_hours=2)
    factories.event(state="dead", received_at=clock.now() - timedelta(hours=3))
    factories.event(state="dead", received_at=clock.now() - timedelta(hours=1))

    assert looks() == [1, 0]


def test_a_view_with_too_many_rows_is_told_once_a_window_with_its_figure_and_its_page(app: Flask) -> None:
    made = rule(**watched(), more_than=1)
    failed_payment()
    factories.charge()
    few = looks()
    failed_payment()
    many = looks()
    with time_machine.travel(clock.now() + timedelta(hours=24)):
        next_day = looks()

    assert (few, many, next_day) == ([0, 0], [1, 0], [1, 0])
    assert texts() == ["Payments, “Failed ones”: 2 found, more than 1."] * 2
    assert deliveries()[0].path == f"/admin/charges/?view={made.view_id}"


def test_a_sum_and_an_age_of_a_view(app: Flask) -> None:
    of_view = watched()
    rule(**of_view, measure="sum", currency="eur", more_than=8_000)
    rule(**of_view, measure="oldest", more_than=48)
    failed_payment(amount=4_000)
    failed_payment(amount=70_000, currency="usd")
    before = looks(times=1)
    failed_payment(amount=4_001, created_at=clock.now() - timedelta(hours=49))

    assert (before, looks()) == ([0], [2, 0])
    summed, aged = sorted(texts())
    assert summed == "Payments, “Failed ones”: 80.01 EUR, more than 80.00 EUR together."
    assert aged.startswith("Payments, “Failed ones”: the oldest is from ")
    assert aged.endswith("older than 48 hours.")


def test_only_what_came_in_lately_counts_where_a_rule_says_so(app: Flask) -> None:
    rule(**watched(), within_hours=1)
    failed_payment(created_at=clock.now() - timedelta(hours=2))
    old = looks(times=1)
    failed_payment(created_at=clock.now() - timedelta(minutes=30))

    assert (old, looks()) == ([0], [1, 0])
    assert texts() == ["Payments, “Failed ones”: 1 found, any of the last 1 hour."]


def _delete(view: SavedView) -> None:
    views.throw_away(view.id, actor=ANA)


def _take_the_right(view: SavedView) -> None:
    at = clock.now()
    with transaction():
        db.session.add(RolePermission(role="support_lead", permission="charge.read", granted=False, changed_at=at))


def _end_the_access(view: SavedView) -> None:
    with transaction():
        db.session.get_one(Staff, view.owner_id).deactivated_at = clock.now()


def _give_away(view: SavedView) -> None:
    other = people.add_staff("ben@shop.example", role="support", password=PASSWORD, actor=ANA)
    with transaction():
        db.session.get_one(SavedView, view.id).owner_id = other


def _ask_for_the_unknown(view: SavedView) -> None:
    with transaction():
        db.session.get_one(SavedView, view.id).asked = {"colour": "red"}


@pytest.mark.parametrize(
    ("change", "words"),
    [(_delete, "was deleted"), (_take_the_right, "may not open"), (_end_the_access, "does not work here"),
     (_give_away, "no longer shared"), (_ask_for_the_unknown, "does not know any more")],
)  # fmt: skip
def test_a_rule_that_cannot_be_looked_for_says_so_once_and_tells_nothing_of_the_list(
    app: Flask, change: Any, words: str
) -> None:
    made = rule(**watched())
    failed_payment()
    change(db.session.get_one(SavedView, made.view_id))

    assert looks() == [1, 0]

    assert words in texts()[0]
    assert "found" not in texts()[0]
    assert words in (db.session.get_one(AlertRule, made.id, populate_existing=True).trouble or "")


@pytest.mark.parametrize(
    "wish",
    [{"source": "job.failed", "measure": "sum", "currency": "eur"}, {"source": "sync.drift", "measure": "oldest"},
     {"source": "webhook.line", "within_hours": 3}, {"window_hours": 8_761}, {"within_hours": 8_761}, {"more_than": 100_001},
     {"channels": ()}, {"channels": tuple(("mail", f"a{n}@shop.example") for n in range(11))}],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_makes_no_rule(app: Flask, wish: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        rule(**wish)

    assert db.session.query(AlertRule).count() == 0


def _failed_twice(now: Any) -> None:
    for minutes in (1, 2):
        db.session.add(JobRun(job="settle_refunds", due_at=now - timedelta(minutes=minutes), state="failed"))


def _late(now: Any) -> None:
    ran = now - timedelta(minutes=16)
    db.session.add(JobRun(job="settle_refunds", due_at=ran, started_at=ran, finished_at=ran, state="good"))


def _healed(now: Any) -> None:
    account_id = db.session.scalars(select(AlertRule.account_id)).one()
    for number in range(3):
        trail.record(ANA, "sync.healed", "charge", f"ch_{number}", account_id=account_id)


def _stopped(now: Any) -> None:
    db.session.add(
        SyncRun(account_id=factories.account().id, started_at=now, began_at=now, error="Stripe did not answer")
    )


def _dead(now: Any) -> None:
    factories.event(state="dead", received_at=now)


@pytest.mark.parametrize(
    ("source", "happens", "text"),
    [
        ("job.failed", _failed_twice, "Job settle_refunds failed 2 times within a day, last at"),
        ("job.late", _late, "Job settle_refunds is late: it missed two of its due times"),
        ("sync.drift", _healed, "3 objects differed from Stripe within a day and were healed."),
        ("sync.drift", _stopped, "stopped before its end."),
        ("event.dead", _dead, "could not be understood and is dead."),
    ],
)
def test_trouble_with_the_machinery_is_told_once_however_often_one_looks(
    app: Flask, source: str, happens: Any, text: str
) -> None:
    account_id = factories.account().id
    rule(source=source)
    with transaction():
        happens(clock.now())

    assert [alerts.look(account_id) for _ in range(3)] == [1, 0, 0]

    [told] = deliveries()
    assert text in told.text
    with time_machine.travel(told.raised_at + timedelta(hours=23, minutes=59)):
        assert alerts.look(account_id) == 0


def test_a_rule_that_never_tells_the_same_again_tells_the_next_failure_of_a_job(app: Flask) -> None:
    rule(source="job.failed", window_hours=0)
    with transaction():
        _failed_twice(clock.now())
    first = looks()
    with time_machine.travel(clock.now() + timedelta(days=3)):
        with transaction():
            _failed_twice(clock.now())
        later = looks()

    assert (first, later) == ([1, 0], [1, 0])


def test_the_same_thing_told_twice_at_once_is_told_once(app: Flask) -> None:
    made = rule()
    with transaction():
        first = alerts.raise_alert("refund.failed", ("refund", "re_1"), "Failed.", account_id=made.account_id)
        second = alerts.raise_alert("refund.failed", ("refund", "re_1"), "Failed.", account_id=made.account_id)

    assert (first, second) == (1, 0)
    assert db.session.scalars(select(AlertRule.id)).all() == [made.id]
