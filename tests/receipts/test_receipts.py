"""A receipt says what was paid, to the minor unit, and goes once to one address."""

from email import message_from_bytes
from uuid import UUID, uuid4

import pytest
from flask import Flask

from app.database import db
from app.mail import sending
from app.mail.outbox import files_of
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.mail import Mail
from tests import factories
from tests.desk import Desk, Page, staff
from tests.mail.catcher import catching
from tests.mail.conftest import with_server
from tests.papers.reading import text_of


def send(desk: Desk, charge: Charge, *, to: str = "jane@example.com", expect: int = 303, **changes: str) -> Page:
    return desk.post(f"/admin/receipts/{charge.id}", {"to": to, "promise": str(uuid4())} | changes, expect=expect)


def nothing_was_written() -> bool:
    acts = db.session.query(AuditLog).filter(AuditLog.action == "receipt.sent").count()
    return (db.session.query(Mail).count(), acts) == (0, 0)


@pytest.mark.parametrize(
    ("minor", "currency", "printed"),
    [
        (5_000, "jpy", "5,000 JPY"),
        (123_456, "eur", "1,234.56 EUR"),
        (5_120, "kwd", "5.120 KWD"),
        (500, "isk", "5.00 ISK"),
    ],
)
def test_the_total_is_the_amount_of_the_payment_in_its_decimals(
    app: Flask, minor: int, currency: str, printed: str
) -> None:
    charge = factories.charge(amount=minor, currency=currency)

    paper = staff(app).get(f"/admin/receipts/{charge.id}/receipt.pdf")

    said = text_of(paper.answer.data)
    assert f"Total paid {printed}" in said
    assert "Visa •••• 4242" in said
    assert charge.id in said
    assert paper.answer.headers["Content-Disposition"] == f"attachment; filename=receipt-{charge.id}.pdf"


def test_it_is_what_was_taken_and_what_went_back_stands_below(app: Flask) -> None:
    charge = factories.charge(amount=5_000, amount_captured=4_000, amount_refunded=2_250)

    said = text_of(staff(app).get(f"/admin/receipts/{charge.id}/receipt.pdf").answer.data)

    assert "Total paid 40.00 EUR" in said
    assert "Given back −12.50 EUR" in said
    assert "Left 27.50 EUR" in said


def test_it_arrives_with_the_paper_and_the_log_shows_it(app: Flask) -> None:
    charge, ana = factories.charge(description="Running shoes"), staff(app, email="ana@shop.example")

    answer = send(ana, charge)
    with catching() as server:
        sending.send_waiting(with_server(app, server.url))

    [letter] = server.letters
    [file] = letter.iter_attachments()
    assert letter["To"] == "jane@example.com"
    assert letter["Subject"] == "Your receipt from Shop: 50.00 EUR"
    assert "Total paid 50.00 EUR" in text_of(file.get_content())
    log = ana.get(answer.location or "")
    for fact in ("jane@example.com", "Sent", "Running shoes", f"receipt-{charge.id}.pdf"):
        assert fact in log.words, fact
    assert "jane@example.com" in ana.get(f"/admin/receipts/{charge.id}").words
    [act] = db.session.query(AuditLog).filter(AuditLog.action == "receipt.sent")
    assert (act.actor, act.object_id, act.after["total"]) == ("ana@shop.example", charge.id, "50.00 EUR")  # type: ignore[index]
    assert message_from_bytes(server.envelopes[0].original_content or b"").is_multipart()


def test_the_form_begins_with_the_address_that_is_known(app: Flask) -> None:
    customer = factories.customer(email="joe@example.com")
    charges = {
        "receipt@example.com": factories.charge(receipt_email="receipt@example.com", customer_id=customer.id),
        "joe@example.com": factories.charge(customer_id=customer.id),
        "": factories.charge(),
    }
    ana = staff(app)

    for address, charge in charges.items():
        [form] = [form for form in ana.get(f"/admin/receipts/{charge.id}").forms if "promise" in form]
        assert form["to"] == address
        assert UUID(form["promise"])


def test_the_same_form_sent_twice_is_one_mail(app: Flask) -> None:
    charge, ana, promise = factories.charge(), staff(app), str(uuid4())

    first, second = (send(ana, charge, promise=promise) for _ in range(2))

    assert first.location == second.location
    assert db.session.query(Mail).count() == 1
    assert db.session.query(AuditLog).filter(AuditLog.action == "receipt.sent").count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": ""}, "Write one e-mail address"),
        ({"to": "jane@example.com, joe@example.com"}, "Write one, like"),
        ({"to": "jane@example.com\r\nBcc: all@example.com"}, "not an e-mail address"),
        ({"to": "jane\0@example.com"}, "not an e-mail address"),
        ({"promise": "nonsense"}, "This form is damaged"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_written(app: Flask, changes: dict[str, str], words: str) -> None:
    page = send(staff(app), factories.charge(), expect=400, **changes)

    assert words in page.words
    assert nothing_was_written()


@pytest.mark.parametrize(
    "columns", [{"status": "failed", "amount_captured": 0}, {"captured": False, "amount_captured": 0}]
)
def test_where_nothing_was_taken_there_is_no_receipt(app: Flask, columns: dict[str, object]) -> None:
    charge, ana = factories.charge(**columns), staff(app)

    page = send(ana, charge, expect=422)
    ana.get(f"/admin/receipts/{charge.id}/receipt.pdf", expect=422)

    assert "there is no receipt for it" in page.words
    assert nothing_was_written()


def test_the_page_of_a_payment_leads_to_its_receipt_for_who_may(app: Flask) -> None:
    charge = factories.charge()

    assert f"/admin/receipts/{charge.id}" in staff(app).get(f"/admin/charges/{charge.id}").links
    assert f"/admin/receipts/{charge.id}" not in staff(app, "view_only").get(f"/admin/charges/{charge.id}").links


@pytest.mark.parametrize("role", ["view_only", "developer", "dispute_analyst"])
def test_who_may_not_send_receipts_gets_none(app: Flask, role: str) -> None:
    charge, desk = factories.charge(), staff(app, role)

    desk.get(f"/admin/receipts/{charge.id}/receipt.pdf", expect=403)
    send(desk, charge, expect=403)

    assert nothing_was_written()


def test_another_accounts_payment_has_no_receipt_here(app: Flask) -> None:
    factories.account()
    theirs = factories.charge(account_id=factories.another_account().id)
    ana = staff(app)

    ana.get(f"/admin/receipts/{theirs.id}", expect=404)
    send(ana, theirs, expect=404)

    assert nothing_was_written()


def test_a_name_no_font_has_is_marked_on_the_paper(app: Flask) -> None:
    charge = factories.charge(billing_details={"name": "김민준", "email": "kim@example.com"})
    send(staff(app), charge)

    mail = db.session.query(Mail).one()
    assert "stands for a character" in text_of(files_of(mail.id)[0].content)
