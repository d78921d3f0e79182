"""What each job does, once and again."""

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select, text

from app import clock
from app.database import db, transaction
from app.errors import GatewayUnavailable
from app.models.customer import Customer
from app.models.wanted_object import WantedObject
from app.models.webhook_event import WebhookEvent, WebhookRefusal
from app.webhooks import inbox, wanted
from app.webhooks.envelope import of
from jobs.keep_house import keep_house
from jobs.understand_events import understand_events
from tests.webhooks.fakes import FakeGateway
from tests.webhooks.signing import charge, customer, event


def take(*events: dict[str, Any]) -> None:
    inbox.take_in([of(said) for said in events])


def rows(model: type[Any]) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def make_old() -> None:
    with transaction():
        db.session.execute(text("UPDATE webhook_events SET received_at = now() - interval '5 minutes'"))


def never() -> bool:
    return False


def test_waiting_events_are_worked_through(app: Flask) -> None:
    take(event("charge.succeeded", charge("ch_1", description="one")))
    take(event("charge.updated", charge("ch_1", description="two"), id="evt_b"))
    gateway = FakeGateway({"/v1/charges/ch_1": charge("ch_1", description="three")})
    app.extensions["gateway"], before = gateway, app.extensions.get("gateway")

    assert understand_events() == 1
    assert understand_events() == 0

    app.extensions["gateway"] = before
    assert gateway.asked == ["/v1/charges/ch_1"]
    assert db.session.get_one(WebhookEvent, "evt_b", populate_existing=True).state == "processed"


def test_a_parent_that_never_came_is_read_from_stripe(app: Flask) -> None:
    take(event("charge.succeeded", charge("ch_1", customer="cus_1", payment_intent=None)))
    account_id = db.session.scalars(select(WebhookEvent.account_id)).one()
    assert wanted.note_missing_parents(account_id, now=clock.now()) == 0
    make_old()
    assert wanted.note_missing_parents(account_id, now=clock.now()) == 1
    assert wanted.note_missing_parents(account_id, now=clock.now()) == 0

    assert wanted.fetch(FakeGateway({"/v1/customers/cus_1": customer("cus_1")}), limit=10, stop=never) == 1

    assert (rows(Customer), rows(WantedObject)) == (1, 0)


def test_what_stripe_does_not_answer_for_waits(app: Flask) -> None:
    debit = {"type": "sepa_debit", "sepa_debit": {"mandate": "mandate_1"}}
    take(event("charge.pending", charge("ch_1", payment_method_details=debit)))
    away = FakeGateway(error=GatewayUnavailable("Stripe does not answer."))

    assert wanted.fetch(away, limit=10, stop=never) == 0
    assert wanted.fetch(away, limit=10, stop=never) == 0

    [row] = db.session.scalars(select(WantedObject)).all()
    assert (row.attempts, row.error, len(away.asked)) == (1, "Stripe does not answer.", 1)
    assert timedelta(seconds=4) < row.next_try_at - clock.now() <= timedelta(seconds=5)


def test_when_somebody_wishes_to_stop_nothing_new_is_begun(app: Flask) -> None:
    debit = {"type": "sepa_debit", "sepa_debit": {"mandate": "mandate_1"}}
    take(event("charge.pending", charge("ch_1", payment_method_details=debit)))
    gateway = FakeGateway()

    assert wanted.fetch(gateway, limit=10, stop=lambda: True) == 0
    assert gateway.asked == []


def test_old_refusals_and_runs_go_and_new_ones_stay(app: Flask) -> None:
    with transaction():
        for days in (1, 29, 31, 400):
            values = {"at": clock.now() - timedelta(days=days), "reason": "x", "body_sha256": b"", "body_size": 0}
            db.session.add(WebhookRefusal(**values))
        insert = "INSERT INTO job_runs (job, due_at, state) VALUES ('a', now() - :age * interval '1 day', :state)"
        for age, state in ((1, "good"), (15, "good"), (16, "failed"), (17, "running")):
            db.session.execute(text(insert), {"age": age, "state": state})

    assert keep_house() == 4
    assert keep_house() == 0

    assert rows(WebhookRefusal) == 2
    assert db.session.scalars(text("SELECT state FROM job_runs ORDER BY id")).all() == ["good", "running"]
