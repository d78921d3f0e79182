"""Rules are made, tried out, silenced and ended from their pages."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.alerts import alerts, sending
from app.database import db
from app.models.alert import AlertDelivery, AlertRule
from app.models.audit_log import AuditLog
from app.models.mail import Mail
from app.models.saved_view import SavedView
from app.settings import Settings
from tests import factories
from tests.alerts.receiver import receiving
from tests.alerts.rules import deliveries, raised
from tests.desk import Desk, staff

FORM = {"source": "event.dead", "more_than": "0", "window_hours": "24", "mail": "ana@shop.example"}


@pytest.fixture
def admin(app: Flask) -> Iterator[Desk]:
    """Somebody at a desk whose receivers may be on this machine."""
    factories.account()
    plain: Settings = app.extensions["settings"]
    app.extensions["settings"] = replace(plain, alerts_local=True)
    yield staff(app, "admin")
    app.extensions["settings"] = plain


def later(hours: int) -> str:
    return f"{clock.now() + timedelta(hours=hours):%Y-%m-%dT%H:%M}"


def test_a_rule_is_made_tried_out_silenced_woken_and_ended_from_its_page(admin: Desk) -> None:
    url = admin.post("/admin/alerts/new", FORM).location or ""
    admin.post(f"{url}/test")
    admin.post(f"{url}/snooze", {"until": later(8), "remark": "The parser is being mended"})
    silenced = admin.get(url)
    admin.post(f"{url}/wake")
    woken = admin.get(url)
    admin.post(f"{url}/end")

    assert "Dead webhook events" in silenced.words
    assert "Silent until" in silenced.words
    assert "The parser is being mended" in silenced.words
    assert "Silent until" not in woken.words
    assert "A test by" in admin.get("/admin/alerts/log/").words
    assert "Ended" in admin.get("/admin/alerts/").words
    acts = db.session.scalars(select(AuditLog).where(AuditLog.object_type == "alert_rule").order_by(AuditLog.id)).all()
    assert [act.action.removeprefix("alert.rule_") for act in acts] == ["made", "tested", "snoozed", "woken", "ended"]
    assert acts[2].reason == "The parser is being mended"


def test_a_test_really_arrives_by_every_way_and_the_log_shows_each_try(app: Flask, admin: Desk) -> None:
    with receiving() as receiver:
        receiver.answers = [503]
        form = FORM | {"mail": "ana@shop.example\nben@shop.example", "slack": receiver.url}
        url = admin.post("/admin/alerts/new", form).location or ""
        admin.post(f"{url}/test")
        sending.deliver_waiting(app.extensions["settings"])
        [waiting] = [sent for sent in deliveries() if sent.state == "queued"]
        first = admin.get(f"/admin/alerts/log/{waiting.id}")
        db.session.execute(text("UPDATE alert_deliveries SET not_before = raised_at"))
        db.session.commit()
        sending.deliver_waiting(app.extensions["settings"])
        second = admin.get(f"/admin/alerts/log/{waiting.id}")

    assert sorted(mail.recipient for mail in db.session.query(Mail)) == ["ana@shop.example", "ben@shop.example"]
    assert len(receiver.bodies) == 2
    told = json.loads(receiver.bodies[1])["text"]
    assert told.startswith(f"A test by {admin.email}: alerts of this rule arrive here.")
    assert told.endswith(f"{app.extensions['settings'].domain}{url}")
    assert ("503" in first.words, "Next try" in first.words) == (True, True)
    assert ("503" in second.words, "200" in second.words, "Sent" in second.words) == (True, True, True)


def test_the_secret_of_a_webhook_is_shown_once_and_nothing_of_an_address_is_ever_shown_or_kept_in_plain(
    app: Flask, admin: Desk
) -> None:
    with receiving() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/services/T0/B0/verysecretpath"
        page = admin.post("/admin/alerts/new", FORM | {"webhook": url, "slack": f"{url}2"}, expect=200)
    [rule] = db.session.query(AlertRule)
    secret = page.html[page.html.index("alsec_") :].partition('"')[0].partition("<")[0]
    rule_url = f"/admin/alerts/{rule.id}"
    admin.post(f"{rule_url}/test")
    sending.deliver_waiting(app.extensions["settings"])

    assert len(secret) > 40
    log = [f"/admin/alerts/log/{sent.id}" for sent in deliveries()]
    pages = [admin.get(path).html for path in (rule_url, "/admin/alerts/", "/admin/alerts/log/", *log, "/admin/audit/")]
    pages += [admin.client.get(f"/admin/{path}").text for path in ("alerts/export.csv", "alerts/log/export.jsonl")]
    kept = str(db.session.execute(text(_EVERYTHING)).scalar_one())
    assert [word for word in ("verysecretpath", secret) for page in (*pages, kept) if word in page] == []
    assert f"127.0.0.1:{receiver.port}" in pages[0]


def test_a_view_can_be_watched_by_who_sees_it(app: Flask, admin: Desk) -> None:
    admin.post("/admin/views/new", {"list": "charges", "name": "Failed ones", "status": "failed"})
    staff(app, "admin").post("/admin/views/new", {"list": "charges", "name": "Not mine", "status": "failed"})
    mine, other = (db.session.query(SavedView).filter_by(name=name).one() for name in ("Failed ones", "Not mine"))

    shown = admin.get("/admin/alerts/new")
    form = FORM | {"source": f"view:{mine.id}", "measure": "sum", "currency": "eur", "more_than": "49.99"}
    url = admin.post("/admin/alerts/new", form).location or ""
    admin.post("/admin/alerts/new", form | {"source": f"view:{other.id}"}, expect=400)
    factories.charge(status="failed", paid=False, amount_captured=0)
    told = alerts.look(factories.account().id)

    assert ("Payments: Failed ones" in shown.words, "Not mine" in shown.words) == (True, False)
    assert told == 1
    page = admin.get(url)
    assert "More than 49.99 EUR together" in page.words
    assert f"/admin/charges/?view={mine.id}" in page.html
    assert "Payments, “Failed ones”: 50.00 EUR, more than 49.99 EUR together." in page.words


@pytest.mark.parametrize(
    "changes",
    [{"source": "nonsense"}, {"source": "view:nonsense"}, {"source": "view"},
     {"mail": "nobody"}, {"mail": ""}, {"window_hours": "-1"},
     {"more_than": "1e3"}, {"window_hours": "9999999999"}, {"webhook": "x.example"}, {"slack": "https://x.example/\0"},
     {"measure": "median"}, {"measure": "sum", "currency": "xxx"}, {"measure": "sum", "currency": "eur", "more_than": "1,5"},
     {"measure": "sum", "currency": "eur", "source": "job.failed"}, {"within_hours": "x"}],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused_and_none_is_made(admin: Desk, changes: dict[str, str]) -> None:
    page = admin.post("/admin/alerts/new", FORM | changes, expect=400)

    assert db.session.query(AlertRule).count() == 0
    assert page.is_html


@pytest.mark.parametrize(
    ("until", "remark"),
    [(-1, "Why"), (24 * 32, "Why"), (8, ""), (8, " \n"), (8, "x" * 301)],
)
def test_a_rule_is_not_silenced_without_a_time_ahead_and_a_remark(admin: Desk, until: int, remark: str) -> None:
    url = admin.post("/admin/alerts/new", FORM).location or ""

    admin.post(f"{url}/snooze", {"until": later(until), "remark": remark}, expect=400)
    admin.post(f"{url}/snooze", {"until": "tomorrow", "remark": "Why"}, expect=400)

    assert db.session.query(AlertRule).one().snoozed_until is None


def test_what_is_still_so_is_told_when_the_silence_is_over(app: Flask, admin: Desk) -> None:
    url = admin.post("/admin/alerts/new", FORM | {"source": "refund.failed"}).location or ""
    admin.post(f"{url}/snooze", {"until": later(8), "remark": "Known"})
    silent = [raised(), raised()]
    admin.post(f"{url}/wake")
    awake = [raised(), raised()]

    assert (silent, awake) == ([1, 0], [1, 0])
    states = select(AlertDelivery.state).order_by(AlertDelivery.turn)
    assert db.session.scalars(states).all() == ["snoozed", "queued"]


_EVERYTHING = """
    SELECT string_agg(t, ' ') FROM (SELECT a::text FROM alert_rules a UNION ALL SELECT c::text FROM alert_channels c
        UNION ALL SELECT d::text FROM alert_deliveries d UNION ALL SELECT x::text FROM alert_tries x
        UNION ALL SELECT l::text FROM audit_logs l UNION ALL SELECT m::text FROM mails m) AS everything (t)
"""
