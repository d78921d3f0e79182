"""How long letters can be read again: their words and files go, and that they were written to whom stays.

The row itself stays because it is also the promise: without it the same letter could be written a second time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from app import clock
from app.database import db, transaction
from app.models.mail import Mail, MailAttachment

GONE = "What this letter said was kept for a while, and is gone.\n"
_AT_ONCE = 500


def forget_words(days: int, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Take words and files out of what came to an end so many days ago; 0 keeps everything. Returns how many letters that were."""
    if not days:
        return 0
    before, forgotten = clock.now() - timedelta(days=days), 0
    while not stop():
        part = _forget(before)
        forgotten += part
        if part < _AT_ONCE:
            break
    return forgotten


def _forget(before: datetime) -> int:
    ended = Mail.state.not_in(("queued", "sending"))
    old = select(Mail.id).where(Mail.words_gone_at.is_(None), ended, Mail.queued_at < before)
    with transaction():
        # One that is sent again at this moment is copied first or finds its words gone.
        ids = list(db.session.scalars(old.order_by(Mail.queued_at).limit(_AT_ONCE).with_for_update(skip_locked=True)))
        db.session.execute(delete(MailAttachment).where(MailAttachment.mail_id.in_(ids)))
        gone = {"text": GONE, "html": None, "words_gone_at": clock.now()}
        db.session.execute(update(Mail).where(Mail.id.in_(ids)).values(gone))
    return len(ids)
