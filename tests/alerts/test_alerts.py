"""Somebody is told once, by the ways they chose."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from flask import Flask

from app import clock
from app.alerts import alerts, operations, sending
from app.alerts.money_sources import business_days_before
from app.database import db, transaction
from app.models.alert import AlertChannel
from app.models.mail import Mail
from app.models.webhook_endpoint import WebhookEndpoint
from tests import factories
from tests.alerts.receiver import receiving
from tests.alerts.rules import ANA, deliveries, failed_refund, raised, rule, seal, secret_of, settings


def test_the_same_thing_is_told_once_a_window(app: Flask) -> None:
    rule()
    failed_refund()
    account_id = factories.account().id

    counts = [alerts.look(account_id), alerts.look(account_id)]
    with time_machine.travel(clock.now() + timedelta(hours=24)):
        counts.append(alerts.look(account_id))

    assert counts == [1, 0, 1]


def test_nothing_is_told_until_there_are_more_than_the_rule_says(app: Flask) -> None:
    rule(more_than=1)
    account_id = factories.account().id

    failed_refund()
    first = alerts.look(account_id)
    failed_refund()

    assert (first, alerts.look(account_id)) == (0, 2)


def test_a_mail_goes_through_the_outbox(app: Flask) -> None:
    rule()
    raised()

    assert sending.deliver_waiting(settings(app)) == 1

    mail = db.session.query(Mail).one()
    assert (mail.recipient, mail.subject, mail.about_id) == ("ana@shop.example", "Refund re_1 failed.", "re_1")
    assert [delivery.state for delivery in deliveries()] == ["sent"]


def test_a_webhook_is_signed_like_stripes(app: Flask) -> None:
    with receiving() as receiver:
        made = rule(webhook=receiver.url)
        raised()
        assert sending.deliver_waiting(settings(app)) == 1

    told = json.loads(receiver.bodies[0])
    stamp, _, given = receiver.headers[0]["Counterfoil-Signature"].partition(",v1=")
    signed = stamp.removeprefix("t=").encode() + b"." + receiver.bodies[0]
    assert given == hmac.new(secret_of(made).encode(), signed, hashlib.sha256).hexdigest()
    assert (told["kind"], told["object"], told["text"]) == (
        "refund.failed", {"type": "refund", "id": "re_1"}, "Refund re_1 failed.",
    )  # fmt: skip


def test_slack_is_told_in_its_form(app: Flask) -> None:
    with receiving() as receiver:
        rule(slack=receiver.url)
        account_id = factories.account().id
        with transaction():
            alerts.raise_alert("refund.failed", ("refund", "re_1"), "<!channel> a & b", account_id=account_id)
        sending.deliver_waiting(settings(app))

    assert json.loads(receiver.bodies[0]) == {"text": "&lt;!channel&gt; a &amp; b"}


def test_a_receiver_that_is_down_is_asked_again_and_given_up_in_the_end(app: Flask) -> None:
    waited = []
    with receiving() as receiver:
        rule(slack=receiver.url)
        raised()
        now = clock.now()
        for _ in range(len(sending.PATIENCE) + 1):
            receiver.answers = [503]
            with time_machine.travel(now, tick=False):
                sending.deliver_waiting(settings(app))
                [delivery] = deliveries()
                waited.append(delivery.not_before - clock.now())
                now = max(delivery.not_before, now)

    assert waited[:-1] == list(sending.PATIENCE)
    assert (delivery.state, delivery.answer) == ("failed", "503 ok")


def test_a_redirect_is_not_followed(app: Flask) -> None:
    with receiving() as receiver:
        rule(slack=receiver.url)
        raised()
        receiver.answers = [302]
        sending.deliver_waiting(settings(app))

    assert (len(receiver.bodies), deliveries()[0].state) == (1, "queued")


def test_a_delivery_that_brings_down_whoever_takes_it_ends_and_holds_nobody_up(app: Flask) -> None:
    with receiving() as receiver:
        rule(slack=receiver.url)
        raised()
        with transaction():
            [doomed] = deliveries()
            doomed.state, doomed.asked_at = "sending", clock.now() - timedelta(minutes=6)
            doomed.tries = len(sending.PATIENCE) + 1
        raised(dedup="another")

        assert sending.deliver_waiting(settings(app)) == 2

    assert sorted(delivery.state for delivery in deliveries()) == ["failed", "sent"]
    assert len(receiver.bodies) == 1


def test_an_address_kept_from_before_that_is_no_name_fails_at_once(app: Flask) -> None:
    rule(slack="https://hooks.example.com/")
    with transaction():
        [channel] = db.session.query(AlertChannel)
        channel.sealed = seal().shut(f"https://{'a' * 64}.example/".encode(), owner=channel.id)
    raised()

    assert sending.deliver_waiting(settings(app)) == 1

    assert deliveries()[0].state == "failed"


def test_a_silenced_rule_tells_nothing_and_says_so(app: Flask) -> None:
    made = rule()
    operations.snooze(made.id, until=clock.now() + timedelta(hours=8), remark="Repairing", actor=ANA)

    raised()
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        raised()

    assert [delivery.state for delivery in deliveries()] == ["snoozed", "queued"]


def test_an_ended_rule_tells_nothing(app: Flask) -> None:
    operations.end(rule().id, actor=ANA)

    assert raised() == 0


def test_ten_business_days_leave_weekends_out() -> None:
    monday = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    assert business_days_before(monday, 10) == datetime(2026, 11, 9, 9, 0, tzinfo=UTC)
    assert business_days_before(monday, 1) == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_every_source_finds_what_it_is_for(app: Flask) -> None:
    now = clock.now()
    charge = factories.charge(captured=False, capture_before=now + timedelta(hours=20))
    factories.dispute(factories.charge(), due_at=now + timedelta(days=2))
    factories.refund(factories.charge(), status="pending", created_at=now - timedelta(days=20))
    failed_refund()
    factories.event(state="dead", received_at=now)
    for source in ("dispute.due", "refund.failed", "refund.pending", "authorisation.ending", "event.dead"):
        rule(source=source, window_hours=0)

    assert alerts.look(factories.account().id) == 5
    assert alerts.look(factories.account().id) == 0

    told = {delivery.kind: delivery.text for delivery in deliveries()}
    assert "50.00 EUR is only held until" in told["authorisation.ending"]
    assert charge.id in told["authorisation.ending"]
    assert len(told) == 5


def test_a_line_to_stripe_that_is_cut_is_told(app: Flask) -> None:
    now = clock.now()
    plain = {"account_id": factories.account().id, "status": "enabled", "enabled_events": ["*"], "created_at": now}
    plain |= {"url": "https://desk.shop.example/webhooks/stripe", "read_at": now, "ours": True, "missing": []}
    changes: list[dict[str, Any]] = [{}, {"status": "disabled"}, {"missing": ["refund.failed"]}]
    changes += [{"status": "disabled", "gone_at": now}, {"status": "disabled", "ours": False}]
    with transaction():
        db.session.add_all(WebhookEndpoint(**{**plain, "id": f"we_{n}", **said}) for n, said in enumerate(changes))
    factories.event(source="catch-up", received_at=now)
    rule(source="webhook.line", window_hours=0)

    alerts.look(factories.account().id)

    assert sorted(delivery.text for delivery in deliveries()) == [
        "No webhook came for an hour, though Stripe's list of events has new ones.",
        "Webhook endpoint we_1 is disabled at Stripe.",
        "Webhook endpoint we_2 does not get refund.failed.",
    ]
