"""A process that is killed while it hands a letter over loses none, and no letter comes a third time."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import time_machine
from flask import Flask

from app import clock
from app.database import db
from app.mail import sending
from app.models.mail import Mail
from tests.mail.catcher import Caught, catching
from tests.mail.conftest import with_server
from tests.mail.letters import mail, posted

ROOT = Path(__file__).parents[2]


def test_kill_9_in_the_middle_of_a_letter_is_made_good_once(committed: Flask, tmp_path: Path) -> None:
    first, second = posted(), posted("ben@example.com")
    later = clock.now() + sending.NOBODY_SENDS_AFTER + timedelta(minutes=1)
    with catching() as server:
        server.answers = ["hang"]
        _killed_while_sending(server, tmp_path)
        claimed = [mail(key).state for key in (first, second)]
        settings = with_server(committed, server.url)
        others = sending.send_waiting(settings)
        with time_machine.travel(later):
            again = [sending.send_waiting(settings), sending.send_waiting(settings)]

    assert (claimed, others, again) == (["sending", "queued"], 1, [1, 0])
    assert [mail(key).state for key in (first, second)] == ["sent", "sent"]
    ids = [letter["Message-ID"] for letter in server.letters]
    assert len(ids) == 3
    assert len(set(ids)) == 2


def test_a_second_death_ends_the_letter_for_a_person_to_look_at(committed: Flask, tmp_path: Path) -> None:
    key = posted()
    with catching() as server:
        server.answers = ["hang", "hang"]
        _killed_while_sending(server, tmp_path)
        db.session.query(Mail).update({"asked_at": clock.now() - sending.NOBODY_SENDS_AFTER - timedelta(minutes=1)})
        db.session.commit()
        _killed_while_sending(server, tmp_path)
        with time_machine.travel(clock.now() + sending.NOBODY_SENDS_AFTER + timedelta(minutes=1)):
            sending.send_waiting(with_server(committed, server.url))

    assert (mail(key).state, len(server.letters)) == ("failed", 2)
    assert "Ask the receiver" in (mail(key).error or "")


def _killed_while_sending(server: Caught, folder: Path) -> None:
    """Let another process send, and kill it once the server holds a letter that it has not answered for."""
    before = len(server.envelopes)
    environment = {
        **os.environ,
        "DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        "INSTANCE_DIR": str(folder),
        "SMTP_URL": server.url,
        "MAIL_FROM": "Counterfoil <desk@shop.example>",
        "LOG_LEVEL": "ERROR",
    }
    words = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "run", "send_mails"]
    with subprocess.Popen(words, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL) as sender:
        while len(server.envelopes) == before:
            assert sender.poll() is None, "it ended without sending"
            time.sleep(0.05)
        sender.send_signal(signal.SIGKILL)
    db.session.rollback()
