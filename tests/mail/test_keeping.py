"""What old letters said goes; that they were written stays, and none is written a second time for it."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app import clock
from app.actor import Actor
from app.database import db
from app.errors import Conflict
from app.mail import keeping, outbox, sending
from app.mail.outbox import Attachment
from app.models.mail import Mail, MailAttachment
from app.settings import Settings
from jobs.keep_house import keep_house
from tests.mail.catcher import Caught
from tests.mail.letters import mail, posted


def test_words_and_files_of_what_was_sent_go_after_the_days_and_the_promise_stays(
    app: Flask, mailing: Settings, server: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_AT_ONCE", 1)
    file = Attachment("receipt.pdf", "application/pdf", b"%PDF")
    sent = [posted(dedup=f"receipt:{number}", attachments=[file]) for number in (1, 2)]
    sending.send_waiting(mailing)
    waiting = posted(dedup="receipt:3")

    with time_machine.travel(clock.now() + timedelta(days=179)):
        early = keep_house()
    with time_machine.travel(clock.now() + timedelta(days=181)):
        late = [keep_house(), keep_house()]

    assert (early, late) == (0, [2, 0])
    assert [(mail(key).text, mail(key).html, mail(key).state) for key in sent] == [(keeping.GONE, None, "sent")] * 2
    assert db.session.query(MailAttachment).count() == 0
    assert mail(waiting).text != keeping.GONE
    assert posted(dedup="receipt:1") == sent[0]
    with pytest.raises(Conflict, match="not kept any more"):
        outbox.send_again(sent[0], promise="p", actor=Actor("staff", "ana@shop.example"))


def test_nought_days_keep_everything(app: Flask) -> None:
    mail_id = posted()
    db.session.query(Mail).update({"state": "kept"})
    db.session.commit()

    with time_machine.travel(clock.now() + timedelta(days=4_000)):
        assert keeping.forget_words(0) == 0
        assert mail(mail_id).words_gone_at is None
