"""The daily digest: at eight where somebody is, once a day, and only what their role may see."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app import clock
from app.alerts import digest
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest
from app.models.approval import Approval
from app.models.mail import Mail
from app.models.role_policy import RolePermission
from app.models.staff import Staff
from tests import factories
from tests.alerts.rules import ANA
from tests.desk import staff


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


def test_two_workers_at_once_write_one_letter_to_each(committed: Flask) -> None:
    staff(committed, "support", email="ana@shop.example")
    staff(committed, "admin", email="ben@shop.example")
    noon = factories.NOON
    factories.refund(factories.charge(), status="failed", created_at=noon)
    account_id = factories.account().id
    start = threading.Barrier(2)

    def work() -> None:
        with committed.app_context():
            start.wait()
            digest.send_due(account_id)

    with time_machine.travel(noon, tick=False):
        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    assert sorted(mail.recipient for mail in db.session.query(Mail)) == ["ana@shop.example", "ben@shop.example"]


def test_each_line_leads_to_the_list_of_it_and_every_list_opens(app: Flask) -> None:
    admin = staff(app, "admin")
    noon = factories.NOON
    factories.refund(factories.charge(), status="failed", created_at=noon)
    factories.refund(factories.charge(), status="pending", created_at=noon - timedelta(days=20))
    factories.dispute(factories.charge(), due_at=noon + timedelta(days=2))
    factories.charge(captured=False, capture_before=noon + timedelta(hours=20))
    factories.event(state="dead", received_at=noon)
    with transaction():
        trail.record(ANA, "sync.healed", "charge", "ch_1", account_id=factories.account().id)
    with time_machine.travel(noon, tick=False):
        digest.send_due(factories.account().id)

    [mail] = db.session.query(Mail)
    domain = app.extensions["settings"].domain
    links = [line.strip() for line in mail.text.splitlines() if line.strip().startswith(domain)]
    assert len(links) >= 6
    assert all(f'href="{link}"'.replace("&", "&amp;") in (mail.html or "") for link in links)
    for link in links:
        admin.get(link.removeprefix(domain))


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("support", {"Disputes due", "Failed refunds"}),
        ("developer", {"Disputes due", "Failed refunds", "Dead webhook events"}),
        ("view_only", {"Disputes due", "Failed refunds"}),
        ("auditor", set()),
    ],
)
def test_a_role_is_told_of_what_it_may_see_and_of_nothing_else(app: Flask, role: str, told: set[str]) -> None:
    staff(app, role)
    noon = factories.NOON
    factories.refund(factories.charge(), status="failed", created_at=noon)
    factories.dispute(factories.charge(), due_at=noon + timedelta(days=2))
    factories.event(state="dead", received_at=noon)

    with time_machine.travel(noon, tick=False):
        assert digest.send_due(factories.account().id) == bool(told)

    words = " ".join(mail.text for mail in db.session.query(Mail))
    known = ("Disputes due", "Failed refunds", "Dead webhook events")
    assert {label for label in known if label in words} == told


def test_only_requests_that_wait_for_this_very_person_are_told(app: Flask) -> None:
    factories.account()
    lead, finance = staff(app, "support_lead"), staff(app, "finance")
    noon = clock.now().replace(hour=12)
    asker = db.session.query(Staff).filter_by(email=lead.email).one()
    with transaction():
        db.session.add(
            Approval(
                account_id=factories.account().id, act="refund", object_type="charge", object_id="ch_1", payload={},
                facts={},
                summary="Refund 50.00 EUR", asked_by_id=asker.id, asked_by=asker.email, asked_at=noon, reason="Late", needed=1,
                state="waiting", expires_at=noon + timedelta(days=1),
            )
        )  # fmt: skip

    with time_machine.travel(noon, tick=False):
        digest.send_due(factories.account().id)

    assert [mail.recipient for mail in db.session.query(Mail)] == [finance.email]


def test_a_zone_that_is_none_is_refused(app: Flask) -> None:
    desk = staff(app, "support")

    for zone in ("Nowhere", "", "../../etc/passwd", "\0", "Europe"):
        assert "There is no such time zone" in desk.post("/admin/digest/", {"zone": zone}, expect=400).words
    with pytest.raises(BadRequest):
        digest.set_wish(db.session.query(Staff).one().id, zone="Moon/Sea", wanted=True, actor=ANA)
