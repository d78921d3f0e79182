"""Somebody is told once, by the way they chose, and never at an address of our own network."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.alerts import alerts, digest, operations, sending, targets
from app.alerts.sources import business_days_before
from app.database import db, transaction
from app.errors import BadRequest
from app.models.alert import AlertDelivery, AlertRule
from app.models.audit_log import AuditLog
from app.models.mail import Mail
from app.models.role_policy import RolePermission
from app.models.staff import Staff
from app.models.webhook_endpoint import WebhookEndpoint
from app.settings import Settings
from tests import factories
from tests.alerts.receiver import receiving
from tests.desk import staff

ANA = Actor("staff", "ana@shop.example")


def rule(**changes: Any) -> AlertRule:
    plain = {
        "account_id": factories.account().id, "source": "refund.failed", "more_than": 0, "window_hours": 24,
        "channel": "mail", "target": "ana@shop.example", "local": False, "actor": ANA,
    }  # fmt: skip
    return operations.add_rule(**plain | changes)


def settings(app: Flask) -> Settings:
    return replace(app.extensions["settings"], alerts_local=True)


def deliveries() -> list[AlertDelivery]:
    return list(db.session.scalars(select(AlertDelivery).order_by(AlertDelivery.raised_at, AlertDelivery.id)))


def raised(kind: str = "refund.failed", **more: Any) -> int:
    account_id = factories.account().id
    with transaction():
        return alerts.raise_alert(kind, ("refund", "re_1"), "Refund re_1 failed.", account_id=account_id, **more)


def failed_refund() -> None:
    factories.refund(factories.charge(), status="failed", created_at=clock.now())


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
        made = rule(channel="webhook", target=receiver.url, local=True)
        raised()
        assert sending.deliver_waiting(settings(app)) == 1

    told = json.loads(receiver.bodies[0])
    stamp, _, given = receiver.headers[0]["Counterfoil-Signature"].partition(",v1=")
    signed = stamp.removeprefix("t=").encode() + b"." + receiver.bodies[0]
    assert given == hmac.new((made.secret or "").encode(), signed, hashlib.sha256).hexdigest()
    assert (told["kind"], told["object"], told["text"]) == (
        "refund.failed", {"type": "refund", "id": "re_1"}, "Refund re_1 failed.",
    )  # fmt: skip


def test_slack_is_told_in_its_form(app: Flask) -> None:
    with receiving() as receiver:
        rule(channel="slack", target=receiver.url, local=True)
        account_id = factories.account().id
        with transaction():
            alerts.raise_alert("refund.failed", ("refund", "re_1"), "<!channel> a & b", account_id=account_id)
        sending.deliver_waiting(settings(app))

    assert json.loads(receiver.bodies[0]) == {"text": "&lt;!channel&gt; a &amp; b"}


def test_a_receiver_that_is_down_is_asked_again_and_given_up_in_the_end(app: Flask) -> None:
    waited = []
    with receiving() as receiver:
        rule(channel="slack", target=receiver.url, local=True)
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
        rule(channel="slack", target=receiver.url, local=True)
        raised()
        receiver.answers = [302]
        sending.deliver_waiting(settings(app))

    assert (len(receiver.bodies), deliveries()[0].state) == (1, "queued")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://localhost/x", "https://10.0.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/", "https://172.16.0.1/", "https://[fd00::1]/",
    ],
)  # fmt: skip
def test_nothing_is_sent_into_our_own_network(app: Flask, url: str) -> None:
    rule(channel="slack", target=url)
    raised()

    assert sending.deliver_waiting(app.extensions["settings"]) == 1

    assert (deliveries()[0].state, "private network" in (deliveries()[0].answer or "")) == ("failed", True)


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example.com", "http://hooks.example.com/", "ftp://x.example/", "https://a:b@x.example/", "https://x.example:0/",
     "https://x.example/\r\nHost: y", "https:///x", "https://x.example/\0", f"https://{'a' * 64}.example/", "https://x..example/"],
)  # fmt: skip
def test_an_address_that_cannot_be_meant_makes_no_rule(app: Flask, url: str) -> None:
    with pytest.raises(targets.BadTarget):
        rule(channel="webhook", target=url)

    assert db.session.query(AlertRule).count() == 0


def test_a_delivery_that_brings_down_whoever_takes_it_ends_and_holds_nobody_up(app: Flask) -> None:
    with receiving() as receiver:
        rule(channel="slack", target=receiver.url, local=True)
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
    made = rule(channel="slack", target="https://hooks.example.com/")
    with transaction():
        db.session.get_one(AlertRule, made.id).target = f"https://{'a' * 64}.example/"
    raised()

    assert sending.deliver_waiting(settings(app)) == 1

    assert deliveries()[0].state == "failed"


def test_a_silenced_rule_tells_nothing_and_says_so(app: Flask) -> None:
    made = rule()
    operations.snooze(made.id, hours=8, actor=ANA)

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


def test_a_rule_is_made_tried_out_silenced_and_ended_from_its_page(app: Flask) -> None:
    factories.account()
    admin = staff(app, "admin")
    form = {
        "source": "event.dead",
        "more_than": "0",
        "window_hours": "24",
        "channel": "mail",
        "target": "ana@shop.example",
    }

    url = admin.post("/admin/alerts/new", form).location or ""
    admin.post(f"{url}/test")
    admin.post(f"{url}/snooze", {"hours": "8"})
    page = admin.get(url)
    admin.post(f"{url}/end")

    assert "Dead webhook events" in page.words
    assert "Silent until" in page.words
    assert "A test by" in admin.get("/admin/alerts/log/").words
    assert "Ended" in admin.get("/admin/alerts/").words
    acts = db.session.scalars(select(AuditLog.action).where(AuditLog.object_type == "alert_rule").order_by(AuditLog.id))
    assert acts.all() == ["alert.rule_made", "alert.rule_tested", "alert.rule_snoozed", "alert.rule_ended"]


@pytest.mark.parametrize(
    "changes",
    [{"source": "nonsense"}, {"channel": "pigeon"}, {"target": "nobody"}, {"window_hours": "-1"}, {"more_than": "1e3"},
     {"window_hours": "9999999999"}, {"channel": "webhook", "target": "http://x.example"}],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused_and_none_is_made(app: Flask, changes: dict[str, str]) -> None:
    factories.account()
    form = {
        "source": "event.dead",
        "more_than": "0",
        "window_hours": "24",
        "channel": "mail",
        "target": "ana@shop.example",
    }

    staff(app, "admin").post("/admin/alerts/new", form | changes, expect=400)

    assert db.session.query(AlertRule).count() == 0


@pytest.mark.parametrize(
    ("instant", "comes"),
    [
        # Berlin leaves summer time on 25 October 2026 at 03:00 and enters it on 29 March 2026 at 02:00.
        (datetime(2026, 10, 24, 6, 0, tzinfo=UTC), True), (datetime(2026, 10, 24, 5, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 25, 6, 59, tzinfo=UTC), False), (datetime(2026, 10, 25, 7, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 5, 59, tzinfo=UTC), False), (datetime(2026, 3, 29, 6, 0, tzinfo=UTC), True),
    ],
)  # fmt: skip
def test_the_digest_comes_at_eight_where_the_person_is(app: Flask, instant: datetime, comes: bool) -> None:
    staff(app, "support", email="ana@shop.example")
    person = db.session.query(Staff).filter_by(email="ana@shop.example").one()
    digest.set_wish(person.id, zone="Europe/Berlin", wanted=True, actor=ANA)
    factories.refund(factories.charge(), status="failed", created_at=instant - timedelta(hours=1))

    with time_machine.travel(instant, tick=False):
        written = [digest.send_due(factories.account().id) for _ in range(2)]

    assert written == [int(comes), 0]
    assert [mail.subject for mail in db.session.query(Mail)] == (
        [f"1 thing waits for you, {instant:%-d %B %Y}"] if comes else []
    )


def test_who_switched_it_off_or_has_nothing_to_do_gets_no_digest(app: Flask) -> None:
    desk = staff(app, "support")
    staff(app, "auditor")
    noon = factories.NOON
    factories.refund(factories.charge(), status="failed", created_at=noon)

    desk.post("/admin/digest/", {"zone": "UTC"})
    with time_machine.travel(noon, tick=False):
        assert digest.send_due(factories.account().id) == 0


def test_a_digest_tells_nothing_that_the_shop_took_from_the_role(app: Flask) -> None:
    staff(app, "support")
    noon = factories.NOON
    factories.refund(factories.charge(), status="failed", created_at=noon)
    with transaction():
        db.session.add(RolePermission(role="support", permission="refund.read", granted=False, changed_at=noon))

    with time_machine.travel(noon.replace(hour=8), tick=False):
        assert digest.send_due(factories.account().id) == 0

    assert db.session.query(Mail).count() == 0


def test_a_zone_that_is_none_is_refused(app: Flask) -> None:
    desk = staff(app, "support")

    for zone in ("Nowhere", "", "../../etc/passwd", "\0", "Europe"):
        assert "There is no such time zone" in desk.post("/admin/digest/", {"zone": zone}, expect=400).words
    with pytest.raises(BadRequest):
        digest.set_wish(db.session.query(Staff).one().id, zone="Moon/Sea", wanted=True, actor=ANA)
