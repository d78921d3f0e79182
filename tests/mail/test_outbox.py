"""What may be written, to whom, and that a promise mails once."""

from collections.abc import Iterator

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.database import db, transaction
from app.errors import BadRequest, Conflict
from app.mail import letters, outbox
from app.mail.addresses import BadAddress, checked
from app.mail.outbox import Attachment
from app.models.audit_log import AuditLog
from app.models.mail import Mail
from tests import factories
from tests.mail.letters import letter, mail, posted

ANA = Actor("staff", "ana@shop.example")


TEMPLATES = {
    "mail/test.letter.txt": "{% set subject = amount ~ ' for ' ~ name %}\nDear {{ name }},\n\nhere are {{ amount }}.\n",
    "mail/test.letter.html": '{% extends "mail/layout.html" %}{% block letter %}<p>Dear {{ name }}</p>{% endblock %}',
    "mail/test.letter.de.txt": "{% set subject = amount %}\nGuten Tag {{ name }}\n",
}


@pytest.fixture
def templates(app: Flask) -> Iterator[None]:
    """A kind of letter that only these tests have."""
    usual = app.jinja_env.loader
    assert usual is not None
    app.jinja_env.loader = ChoiceLoader([DictLoader(TEMPLATES), usual])
    yield
    app.jinja_env.loader = usual


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Mail)) or 0


@pytest.mark.parametrize(
    "typed",
    [
        "", "jane", "@example.com", "jane@", "jane@example", "jane@@example.com", "jane doe@example.com",
        "jane@example.com, joe@example.com", "jane@example.com\nBcc: all@example.com", "jane@example.com\r\n", "ja\0ne@example.com",
        "Jane <jane@example.com>", "jane@exam ple.com", '"jane"@example.com', "jane@-example.com", "jáne@example.com",
        "x" * 65 + "@example.com", "jane@" + "x." * 130 + "com", ".jane@example.com", "jane@\ud800.com",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused_and_nothing_is_written(app: Flask, typed: str) -> None:
    with pytest.raises(BadAddress):
        posted(typed)

    assert count() == 0


@pytest.mark.parametrize(
    ("typed", "sent_to"),
    [
        (" jane@example.com ", "jane@example.com"),
        ("Jane.O'Neil+pay@Example.COM", "Jane.O'Neil+pay@example.com"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_taken_as_it_is_sent_to(typed: str, sent_to: str) -> None:
    assert checked(typed) == sent_to


def test_the_same_promise_never_mails_twice(app: Flask) -> None:
    first = posted(
        "jane@example.com", dedup="dispute.due:dp_1:3d", attachments=[Attachment("a.txt", "text/plain", b"a")]
    )
    second = posted(
        "other@example.com", dedup="dispute.due:dp_1:3d", attachments=[Attachment("b.txt", "text/plain", b"b")]
    )

    assert first == second
    assert mail(first).recipient == "jane@example.com"
    assert [file.name for file in outbox.files_of(first)] == ["a.txt"]


def test_letters_without_a_promise_are_each_their_own(app: Flask) -> None:
    assert posted() != posted()


def test_a_letter_goes_with_the_transaction_that_wrote_it(app: Flask) -> None:
    account_id = factories.account().id
    with pytest.raises(ZeroDivisionError), transaction():
        outbox.post(letter(), to="jane@example.com", account_id=account_id, by="ana")
        _ = 1 / 0

    assert count() == 0


def test_a_subject_cannot_become_a_header(app: Flask) -> None:
    mail_id = posted(words={"subject": "Hello\r\nBcc: all@example.com\0 \x85 \u2028 x"})

    assert mail(mail_id).subject == "Hello Bcc: all@example.com x"


@pytest.mark.parametrize("column", ["recipient", "subject"])
def test_the_database_takes_no_line_break_in_a_header_either(app: Flask, column: str) -> None:
    mail_id = posted()

    with pytest.raises(IntegrityError, match=f"ck_mails_{column}"), transaction():
        db.session.execute(text(f"UPDATE mails SET {column} = E'jane@example.com\\nBcc: x@example.com'"))

    assert mail(mail_id).subject == "Hello"


def test_what_cannot_be_stored_is_replaced(app: Flask) -> None:
    mail_id = posted(words={"text": "a\0b\ud800c"})

    assert mail(mail_id).text == "a\N{REPLACEMENT CHARACTER}b?c"


def test_files_that_no_server_takes_are_refused(app: Flask) -> None:
    with pytest.raises(BadRequest, match="7 MB"):
        posted(attachments=[Attachment("big", "text/plain", b"x" * (outbox.LARGEST_ATTACHMENTS + 1))])

    assert count() == 0


def test_a_letter_is_repeated_as_one_of_its_own_with_its_files(app: Flask) -> None:
    first = posted(attachments=[Attachment("a.txt", "text/plain", b"a")], about=("charge", "ch_1"))
    outbox.cancel(first, actor=ANA)

    second, twice = (outbox.send_again(first, promise="p", actor=ANA) for _ in range(2))

    again = mail(second)
    assert second == twice != first
    assert (again.state, again.again_of_id, again.about_id, again.text) == ("queued", first, "ch_1", mail(first).text)
    assert [(file.name, file.content) for file in outbox.files_of(second)] == [("a.txt", b"a")]
    acts = db.session.scalars(select(AuditLog.action).order_by(AuditLog.id)).all()
    assert acts == ["mail.canceled", "mail.sent_again"]


def test_what_is_on_its_way_is_not_repeated_and_what_is_gone_not_called_back(app: Flask) -> None:
    mail_id = posted()

    with pytest.raises(Conflict, match="still on its way"):
        outbox.send_again(mail_id, promise="p", actor=ANA)
    outbox.cancel(mail_id, actor=ANA)
    with pytest.raises(Conflict, match="cannot be called back"):
        outbox.cancel(mail_id, actor=ANA)

    assert (count(), mail(mail_id).state) == (1, "canceled")


def test_templates_say_subject_and_text_and_html_escapes_what_they_are_told(templates: None) -> None:
    written = letters.write("test.letter", name="Jane <b>\nDoe", amount="12.50 EUR")

    assert written.subject == "12.50 EUR for Jane <b> Doe"
    assert written.text == "Dear Jane <b>\nDoe,\n\nhere are 12.50 EUR.\n"
    assert written.html is not None
    assert "Jane &lt;b&gt;" in written.html
    assert "<title>12.50 EUR for Jane &lt;b&gt; Doe</title>" in written.html


def test_a_translation_is_taken_where_there_is_one(templates: None) -> None:
    german, french = (letters.write("test.letter", language=to, name="Jane", amount="1") for to in ("de", "fr"))

    assert german.text == "Guten Tag Jane\n"
    assert french.text.startswith("Dear Jane")
