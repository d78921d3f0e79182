"""The mail log: who reads what, and what can still be done."""

import pytest
from flask import Flask

from app.database import db, transaction
from app.mail.outbox import Attachment, files_of
from app.models.mail import STATES, Mail
from tests import factories
from tests.desk import staff
from tests.mail.letters import mail, posted
from tests.queries import counted

URL = "/admin/mails/"


def put_into(state: str) -> None:
    with transaction():
        db.session.query(Mail).update({"state": state, "asked_at": factories.NOON, "sent_at": factories.NOON})


def test_a_letter_is_read_with_its_files(app: Flask) -> None:
    charge = factories.charge()
    mail_id = posted(
        words={"text": "Dear <i>Jane</i>", "html": "<p>Dear</p>"},
        about=("charge", charge.id),
        attachments=[Attachment("receipt.pdf", "application/pdf", b"%PDF-1.7")],
    )
    ana = staff(app)

    page = ana.get(f"{URL}{mail_id}")
    file = ana.get(f"{URL}{mail_id}/files/{files_of(mail_id)[0].id}")

    for fact in ("Hello", "jane@example.com", "Dear <i>Jane</i>", "<p>Dear</p>", "receipt.pdf", str(mail_id)):
        assert fact in page.words, fact
    assert f"/admin/charges/{charge.id}" in page.links
    assert file.answer.data == b"%PDF-1.7"
    assert file.answer.headers["Content-Disposition"] == "attachment; filename=receipt.pdf"


def test_who_may_not_see_personal_data_sees_that_a_letter_went_and_not_what_it_says(app: Flask) -> None:
    mail_id = posted(
        words={"subject": "For jane@example.com", "text": "Dear Jane Doe"},
        attachments=[Attachment("a", "text/plain", b"a")],
    )
    developer = staff(app, "developer")

    listed, page = developer.get(URL), developer.get(f"{URL}{mail_id}")
    developer.get(f"{URL}{mail_id}/files/{files_of(mail_id)[0].id}", expect=403)

    for shown in (listed, page):
        assert "jane@example.com" not in shown.html
        assert "j***@example.com" in shown.words
        assert "Jane Doe" not in shown.html


def test_without_a_mail_server_the_page_says_that_nothing_is_sent(app: Flask) -> None:
    posted()

    assert "kept here for reading and not sent" in staff(app).get(URL).words


def test_a_letter_is_sent_again_from_its_page_once_per_form(app: Flask) -> None:
    mail_id, ana = posted(), staff(app)
    put_into("sent")
    promise = next(form["promise"] for form in ana.get(f"{URL}{mail_id}").forms if "promise" in form)

    first = ana.post(f"{URL}{mail_id}/again", {"promise": promise})
    second = ana.post(f"{URL}{mail_id}/again", {"promise": promise})

    assert first.location == second.location != f"{URL}{mail_id}"
    assert "on its way once more" in ana.get(first.location or "").words


def test_a_letter_that_waits_is_kept_back_from_its_page(app: Flask) -> None:
    mail_id, ana = posted(), staff(app)

    ana.post(f"{URL}{mail_id}/cancel")
    ana.post(f"{URL}{mail_id}/cancel")

    assert mail(mail_id).state == "canceled"
    assert "cannot be called back" in ana.get(f"{URL}{mail_id}").words


@pytest.mark.parametrize("role", ["developer", "view_only", "auditor"])
def test_who_may_not_send_changes_nothing(app: Flask, role: str) -> None:
    mail_id, desk = posted(), staff(app, role)

    desk.post(f"{URL}{mail_id}/cancel", expect=403)
    desk.post(f"{URL}{mail_id}/again", {"promise": "p"}, expect=403)

    assert mail(mail_id).state == "queued"
    assert db.session.query(Mail).count() == 1


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_page(app: Flask, state: str) -> None:
    mail_id, ana = posted(), staff(app)
    put_into(state)

    assert f"{URL}{mail_id}" in ana.get(f"{URL}?state={state}").links
    ana.get(f"{URL}{mail_id}")


@pytest.mark.parametrize("query", ["q=JANE@example.com", "q=ch_1", "about=ch_1", "kind=test", "customer=cus_1"])
def test_letters_are_found(app: Flask, query: str) -> None:
    mail_id = posted(about=("charge", "ch_1"), customer_id="cus_1")
    other = posted("joe@example.com", words={"kind": "other.kind"})

    links = staff(app).get(f"{URL}?{query}").links

    assert (f"{URL}{mail_id}" in links, f"{URL}{other}" in links) == (True, False)


@pytest.mark.parametrize("key", ["nonsense", "%00", "0", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_mail_is_a_404(app: Flask, key: str) -> None:
    staff(app).get(f"{URL}{key}", expect=404)


def test_another_accounts_mail_is_a_404(app: Flask) -> None:
    factories.account()
    mail_id = posted()
    with transaction():
        db.session.query(Mail).update({"account_id": factories.another_account().id})

    staff(app).get(f"{URL}{mail_id}", expect=404)


def test_the_list_asks_little(app: Flask) -> None:
    desk = staff(app)
    for n in range(30):
        posted(f"jane{n}@example.com")

    with counted() as asked:
        desk.get(URL)

    assert len(asked) == 3, asked  # session with account, kept views, mails
