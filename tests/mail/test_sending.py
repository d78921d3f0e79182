"""A letter goes out once, says who wrote it, and an outage loses none."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from app import clock
from app.database import db, transaction
from app.mail import sending
from app.mail.outbox import Attachment
from app.models.mail import Mail
from app.settings import Secret, Settings
from tests.mail.catcher import Caught, catching, free_port
from tests.mail.conftest import with_server
from tests.mail.letters import mail, posted


def died_while_sending(mail_id: UUID) -> None:
    """As a process leaves it that was killed after it had claimed the letter."""
    long_ago = clock.now() - sending.NOBODY_SENDS_AFTER - timedelta(seconds=1)
    with transaction():
        claimed = {"state": "sending", "asked_at": long_ago, "tries": Mail.tries + 1}
        db.session.execute(update(Mail).where(Mail.id == mail_id).values(claimed))


def test_a_letter_arrives_whole(mailing: Settings, server: Caught) -> None:
    words = {"subject": "Grüße ✓", "text": "Zahlung: 5.000 JPY 山田\n", "html": "<p>5.000 <b>JPY</b></p>"}
    mail_id = posted(
        "jane@bücher.example", words=words, attachments=[Attachment("receipt.pdf", "application/pdf", b"%PDF")]
    )

    assert sending.send_waiting(mailing) == 1

    [arrived] = server.letters
    assert server.recipients() == ["jane@xn--bcher-kva.example"]
    assert arrived["From"] == "Counterfoil <desk@shop.example>"
    assert arrived["Subject"] == "Grüße ✓"
    assert arrived["Message-ID"] == f"<{mail_id}@shop.example>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived.get_body(("plain",)).get_content().splitlines() == [words["text"].strip()]  # type: ignore[union-attr]
    assert arrived.get_body(("html",)).get_content().strip() == words["html"]  # type: ignore[union-attr]
    [file] = arrived.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        "receipt.pdf",
        "application/pdf",
        b"%PDF",
    )
    assert (mail(mail_id).state, mail(mail_id).tries, mail(mail_id).error) == ("sent", 1, None)


def test_what_was_sent_is_not_sent_again(mailing: Settings, server: Caught) -> None:
    posted()

    assert [sending.send_waiting(mailing) for _ in range(3)] == [1, 0, 0]

    assert len(server.envelopes) == 1


def test_a_letter_waits_for_its_time(mailing: Settings, server: Caught) -> None:
    posted(not_before=clock.now() + timedelta(hours=1))

    assert sending.send_waiting(mailing) == 0
    with time_machine.travel(clock.now() + timedelta(hours=1, seconds=1)):
        assert sending.send_waiting(mailing) == 1

    assert len(server.envelopes) == 1


def test_who_is_refused_for_good_fails_at_once_and_holds_nobody_up(mailing: Settings, server: Caught) -> None:
    server.answers = ["550 5.1.1 No such person"]
    refused, fine = posted("gone@example.com"), posted("jane@example.com")

    assert sending.send_waiting(mailing) == 2

    assert (mail(refused).state, mail(refused).tries) == ("failed", 1)
    assert "550 5.1.1 No such person" in (mail(refused).error or "")
    assert mail(fine).state == "sent"
    assert server.recipients() == ["jane@example.com"]


def test_who_is_asked_to_wait_waits_longer_each_time_and_fails_in_the_end(mailing: Settings, server: Caught) -> None:
    mail_id = posted()
    waited, now = [], clock.now()
    for _ in range(len(sending.PATIENCE) + 1):
        server.answers = ["451 Try later"]
        with time_machine.travel(now, tick=False):
            sending.send_waiting(mailing)
            waited.append(mail(mail_id).not_before - clock.now())
            now = max(mail(mail_id).not_before, now)

    assert waited[:-1] == list(sending.PATIENCE)
    assert mail(mail_id).state == "failed"
    assert mail(mail_id).error == "The mail server said 451 Try later (after 8 tries)"
    assert server.envelopes == []


def test_after_a_crash_it_is_sent_once_more_with_the_same_id_and_never_a_third_time(
    mailing: Settings, server: Caught
) -> None:
    mail_id = posted()
    died_while_sending(mail_id)

    assert sending.send_waiting(mailing) == 1
    assert server.letters[0]["Message-ID"] == f"<{mail_id}@shop.example>"

    died_while_sending(mail_id)
    assert sending.send_waiting(mailing) == 1
    assert len(server.envelopes) == 1
    assert mail(mail_id).state == "failed"
    assert "not known whether the mail server took it" in (mail(mail_id).error or "")


def test_a_line_that_breaks_after_the_letter_is_tried_once_more_only(mailing: Settings, server: Caught) -> None:
    server.answers = ["cut", "cut"]
    mail_id = posted()

    sending.send_waiting(mailing)
    assert mail(mail_id).state == "queued"
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        sending.send_waiting(mailing)
    with time_machine.travel(clock.now() + timedelta(days=2)):
        sending.send_waiting(mailing)

    assert len({letter["Message-ID"] for letter in server.letters}) == 1
    assert (len(server.envelopes), mail(mail_id).state) == (2, "failed")


def test_somebody_elses_letter_in_hand_is_left_alone(mailing: Settings, server: Caught) -> None:
    mail_id = posted()
    with transaction():
        db.session.execute(update(Mail).where(Mail.id == mail_id).values(state="sending", asked_at=clock.now()))

    assert sending.send_waiting(mailing) == 0

    assert server.envelopes == []


def test_while_the_server_is_away_no_letter_loses_a_try_and_each_says_why_it_waits(app: Flask) -> None:
    mail_id = posted()

    assert sending.send_waiting(with_server(app, f"smtp://127.0.0.1:{free_port()}")) == 0

    waiting = mail(mail_id)
    assert (waiting.state, waiting.tries) == ("queued", 0)
    assert (waiting.error or "").startswith("The mail server cannot be used:")


def test_it_signs_in_with_what_the_url_says(app: Flask) -> None:
    posted()
    with catching(sign_in=True) as server:
        settings = with_server(app, f"smtp://desk%40shop:p%2Fw@127.0.0.1:{server.port}")
        assert sending.send_waiting(settings) == 1

    assert server.logins == [("desk@shop", "p/w")]


def test_a_wrong_password_is_the_servers_trouble_and_no_letters(app: Flask) -> None:
    mail_id = posted()
    with catching(sign_in=True) as server:
        server.accept = False
        assert sending.send_waiting(with_server(app, f"smtp://desk:wrongmarker@127.0.0.1:{server.port}")) == 0

    assert mail(mail_id).state == "queued"
    assert "wrongmarker" not in (mail(mail_id).error or "")


def test_without_a_server_the_sandbox_keeps_letters_and_sends_none(app: Flask) -> None:
    mail_id = posted()

    assert sending.send_waiting(app.extensions["settings"]) == 1

    assert (mail(mail_id).state, mail(mail_id).sent_at) == ("kept", None)


def test_with_a_live_key_and_no_server_letters_wait_and_say_so(app: Flask) -> None:
    mail_id = posted()
    live = replace(app.extensions["settings"], stripe_secret_key=Secret("sk_live_x"))

    assert sending.send_waiting(live) == 0

    assert mail(mail_id).state == "queued"
    assert (mail(mail_id).error or "").startswith("SMTP_URL is not set")


@pytest.mark.parametrize("stop_after", [0, 1])
def test_a_process_that_shall_end_begins_no_further_letter(mailing: Settings, server: Caught, stop_after: int) -> None:
    posted("a@example.com")
    posted("b@example.com")
    answers = [False] * stop_after + [True]

    sending.send_waiting(mailing, stop=lambda: answers.pop(0))

    assert len(server.envelopes) == stop_after
