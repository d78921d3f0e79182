"""Sending what waits in the outbox: claim it, hand it over with no transaction open, keep what came of it.

A process that dies while it hands a letter over leaves it as `sending`. It is taken up once more after a while, with the same
Message-ID: mail programs show both as one. A second such death ends it, because nobody wants a third copy.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parseaddr
from smtplib import SMTP
from uuid import UUID

from sqlalchemy import and_, or_, select, update

from app import clock
from app.database import db, transaction
from app.logs import redact
from app.mail import envelopes, message, outbox, relay
from app.models.mail import Mail
from app.settings import Settings

log = logging.getLogger("mail")

AT_ONCE = 100
# Longer than the longest conversation with a mail server: whoever began that long ago is dead.
NOBODY_SENDS_AFTER = timedelta(minutes=10)
# After the first try, the second, …; after the last the letter has failed. Servers that greylist take it within the hour.
PATIENCE = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
_NOT_SENT_TWICE = "Twice it is not known whether the mail server took it. Ask the receiver before it is sent again."
_NO_SERVER = "SMTP_URL is not set, so nothing can be sent. It is sent as soon as there is a mail server."
_LONGEST_ERROR = 500


def send_waiting(settings: Settings, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Send what is due, oldest first. Returns how many letters came to an end.

    Without a mail server: kept for reading in sandbox and test mode; with a live key they wait, and say why.
    """
    if not settings.smtp_url:
        return _wait() if settings.livemode else _keep()
    if not _any_due():
        return 0
    try:
        with relay.connected(settings.smtp_url) as line:
            return _send_all(line, settings, stop)
    except relay.RelayAway as away:
        log.error("mail.server_away", extra={"why": str(away)})
        _excuse(str(away))
        return 0


def _send_all(line: SMTP, settings: Settings, stop: Callable[[], bool]) -> int:
    done = 0
    for _ in range(AT_ONCE):
        mail = None if stop() else _claim()
        if mail is None:
            break
        if mail.state == "failed":
            done += 1
            continue
        try:
            words = envelopes.words_of(mail, settings)
        except envelopes.Unreadable as error:
            done += _end(mail.id, "failed", str(error))
            continue
        letter = message.build(mail, words, outbox.files_of(mail.id), settings.mail_from)
        db.session.rollback()
        try:
            relay.hand_over(line, letter, sender=parseaddr(settings.mail_from)[1], recipient=mail.recipient)
        except relay.Never as refusal:
            done += _end(mail.id, "failed", str(refusal))
        except relay.NotNow as refusal:
            done += _later(mail, str(refusal))
        except relay.Doubt as doubt:
            # The line is gone; what waits is for the next run, on a new one.
            return done + _doubt(mail, str(doubt))
        else:
            done += _end(mail.id, "sent")
    return done


def _due(now: datetime) -> object:
    forsaken = and_(Mail.state == "sending", Mail.asked_at < now - NOBODY_SENDS_AFTER)
    return or_(and_(Mail.state == "queued", Mail.not_before <= now), forsaken)


def _any_due() -> bool:
    found = db.session.scalar(select(Mail.id).where(_due(clock.now())).limit(1))  # type: ignore[arg-type]
    db.session.rollback()
    return found is not None


def _claim() -> Mail | None:
    """The next letter, now ours to send; one that must not be sent a third time comes back as `failed`."""
    with transaction():
        now = clock.now()
        due = select(Mail).where(_due(now)).order_by(Mail.not_before, Mail.id).limit(1)  # type: ignore[arg-type]
        mail = db.session.scalar(due.with_for_update(skip_locked=True).execution_options(populate_existing=True))
        if mail is None:
            return None
        if mail.state == "sending":
            mail.doubts += 1
        if mail.doubts > 1:
            mail.state, mail.error, mail.sealed = "failed", _NOT_SENT_TWICE, None
        else:
            mail.state, mail.asked_at, mail.tries = "sending", now, mail.tries + 1
    # Outside of the session it can be read during the call without opening a transaction.
    db.session.expunge(mail)
    return mail


def _end(mail_id: UUID, state: str, error: str | None = None) -> int:
    now = clock.now()
    with transaction():
        values = {"state": state, "error": _short(error), "asked_at": None, "sent_at": now if state == "sent" else None}
        db.session.execute(update(Mail).where(Mail.id == mail_id).values(values | {"sealed": None}))
    log.info(f"mail.{state}", extra={"mail": str(mail_id)})
    return 1


def _later(mail: Mail, error: str) -> int:
    """Another try after a while; 1 when that was the last."""
    if mail.tries > len(PATIENCE):
        return _end(mail.id, "failed", f"{error} (after {mail.tries} tries)")
    with transaction():
        waits = {"state": "queued", "error": _short(error), "asked_at": None}
        again_at = clock.now() + PATIENCE[mail.tries - 1]
        db.session.execute(update(Mail).where(Mail.id == mail.id).values(waits | {"not_before": again_at}))
    log.warning("mail.postponed", extra={"mail": str(mail.id), "tries": mail.tries})
    return 0


def _doubt(mail: Mail, error: str) -> int:
    if mail.doubts:
        return _end(mail.id, "failed", _NOT_SENT_TWICE)
    with transaction():
        db.session.execute(update(Mail).where(Mail.id == mail.id).values(doubts=Mail.doubts + 1))
    return _later(mail, error)


def _excuse(why: str) -> None:
    """No letter is to blame when the server is away: none of their tries is counted, and each says why it still waits."""
    with transaction():
        waiting = update(Mail).where(Mail.state == "queued", Mail.not_before <= clock.now())
        db.session.execute(waiting.values(error=_short(why), not_before=clock.now() + PATIENCE[0]))


def _keep() -> int:
    with transaction():
        due = update(Mail).where(Mail.state == "queued", Mail.not_before <= clock.now())
        return len(db.session.execute(due.values(state="kept", error=None, sealed=None).returning(Mail.id)).all())


def _wait() -> int:
    with transaction():
        silent = update(Mail).where(Mail.state == "queued", Mail.error.is_distinct_from(_NO_SERVER))
        waiting = db.session.execute(silent.values(error=_NO_SERVER).returning(Mail.id)).all()
    if waiting:
        log.error("mail.no_server", extra={"waiting": len(waiting)})
    return 0


def _short(error: str | None) -> str | None:
    return redact(error.replace("\0", " ").encode("utf-8", "replace").decode())[:_LONGEST_ERROR] if error else None
