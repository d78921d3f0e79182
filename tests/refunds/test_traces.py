"""The trace number on its way to the customer."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.database import db
from app.models.audit_log import AuditLog
from app.models.mail import Mail
from app.models.refund import Refund
from app.refunds import traces
from tests import factories
from tests.desk import staff


def refund(**columns: Any) -> Refund:
    """One of ours whose number has come."""
    charge = factories.charge(receipt_email=columns.pop("to", "jo@example.com"), amount=200_000)
    plain = {"requested_by": "ana@shop.example", "requested_at": factories.NOON, "reason_text": "Broken"}
    return factories.refund(charge, **plain | {"amount": 150_000, "trace_reference": "2412", "raw": None} | columns)


def mails() -> list[Mail]:
    db.session.rollback()
    return db.session.query(Mail).order_by(Mail.queued_at).all()


def test_the_customer_is_told_once(app: Flask) -> None:
    told = refund()

    assert [traces.tell_new(), traces.tell_new()] == [1, 0]

    [mail] = mails()
    assert (mail.recipient, mail.subject) == ("jo@example.com", "Your refund of 1,500.00 EUR from Shop")
    assert "to your card that ends in 4242" in mail.text
    assert "\n2412\n" in mail.text
    assert (mail.about_type, mail.about_id) == ("refund", str(told.id))
    assert db.session.query(AuditLog.action).filter_by(object_type="refund").all() == [("refund.trace_sent",)]


def test_without_number_or_address_or_made_elsewhere_nobody_is_written_to(app: Flask) -> None:
    refund(trace_reference=None)
    refund(requested_by=None, requested_at=None, reason_text=None)
    refund(to=None)
    refund(to="not an address")

    assert traces.tell_new() == 0
    assert mails() == []
    assert traces.tell_new() == 0


def test_a_person_sends_it_again_and_it_is_written_down(app: Flask) -> None:
    support, viewer, promise = staff(app, "support"), staff(app, "view_only"), str(uuid4())
    url = f"/admin/refunds/{refund().id}"
    traces.tell_new()

    assert "Mail the trace number again" in support.get(url).words
    assert "Mail the trace number" not in viewer.get(url).words
    for _ in range(2):
        support.post(f"{url}/trace", {"promise": promise})
    support.post(f"{url}/trace", {"promise": "x"})
    viewer.get(url)
    viewer.post(f"{url}/trace", {"promise": promise}, expect=403)

    assert len(mails()) == 2
    acts = db.session.query(AuditLog.actor).filter_by(action="refund.trace_sent").order_by(AuditLog.id).all()
    assert acts == [("settle_refunds",), (support.email,)]


ELSEWHERE = {"to": "jo@work.example", "again": "jo@work.example", "words": "Jo wrote from there and named the order"}


def test_it_goes_to_another_address_that_was_typed_twice_and_the_trail_says_why(app: Flask) -> None:
    support = staff(app, "support")
    told = refund()
    url, sent = f"/admin/refunds/{told.id}", {"promise": str(uuid4())} | ELSEWHERE

    assert "Mail it to another address" in support.get(url).words
    support.post(f"{url}/trace-elsewhere", sent)
    support.post(f"{url}/trace-elsewhere", sent)

    [mail] = mails()
    assert (mail.recipient, mail.asked_by, mail.about_id) == ("jo@work.example", support.email, str(told.id))
    [entry] = db.session.query(AuditLog).filter_by(object_type="refund")
    assert (entry.action, entry.actor) == ("refund.trace_sent_elsewhere", support.email)
    assert (entry.reason, entry.after) == (ELSEWHERE["words"], {"mail": str(mail.id)})
    assert "to an address that is not the customer's" in support.get(url).html.replace("&#39;", "'")
    assert traces.tell_new() == 1
    assert [one.recipient for one in mails()] == ["jo@work.example", "jo@example.com"]


@pytest.mark.parametrize(
    "change",
    [
        {"again": "jo@home.example"},
        {"to": "jo@work.example, eve@example.com", "again": "jo@work.example, eve@example.com"},
        {"to": "jo@work.example\r\nBcc: eve@example.com", "again": "jo@work.example\r\nBcc: eve@example.com"},
        {"to": "", "again": ""},
        {"words": ""},
        {"words": "   "},
        {"words": "x" * 1_001},
        {"promise": "x"},
    ],
    ids=["differ", "two", "header", "none", "no reason", "blank", "long", "damaged"],
)
def test_what_is_no_address_or_has_no_reason_is_not_written_to(app: Flask, change: dict[str, str]) -> None:
    support = staff(app, "support")
    url = f"/admin/refunds/{refund().id}"

    page = support.post(f"{url}/trace-elsewhere", {"promise": str(uuid4())} | ELSEWHERE | change, expect=400)

    assert 'id="trace"' in page.html
    assert "data-open" in page.html
    assert mails() == []
    assert db.session.query(AuditLog).filter_by(object_type="refund").count() == 0


def test_there_is_nothing_to_mail_anywhere_before_the_bank_gave_a_number(app: Flask) -> None:
    support, viewer = staff(app, "support"), staff(app, "view_only")
    url = f"/admin/refunds/{refund(trace_reference=None).id}"

    support.post(f"{url}/trace-elsewhere", {"promise": str(uuid4())} | ELSEWHERE, expect=409)
    viewer.post(f"{url}/trace-elsewhere", {"promise": str(uuid4())} | ELSEWHERE, expect=403)

    assert mails() == []


def test_where_no_address_is_known_the_person_hears_so(app: Flask) -> None:
    support = staff(app, "support")
    url = f"/admin/refunds/{refund(to=None).id}"

    support.post(f"{url}/trace", {"promise": str(uuid4())})

    assert "No e-mail address of this customer is known" in support.get(url).words
    assert mails() == []
