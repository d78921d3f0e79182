"""What was not believed is noted by its hash, and only so often: a flood of forgeries must not fill the disk."""

import logging
import threading
import time
from hashlib import sha256

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.database import db, transaction

log = logging.getLogger("webhooks.refusals")

# A minute, over all processes. Someone who looks for a reason finds it among these.
MOST_A_MINUTE = 60
_guard = threading.Lock()
_counted = {"minute": 0, "refusals": 0}

_NOTE = text("""
    INSERT INTO webhook_refusals (at, reason, event_id, body_sha256, body_size, ip)
    SELECT :at, :reason, :event_id, :body_sha256, :body_size, :ip
     WHERE (SELECT count(*) FROM (SELECT FROM webhook_refusals WHERE at > :at - interval '1 minute' LIMIT :most) AS recent) < :most
""")


def note(reason: str, body: bytes, *, ip: str | None, event_id: str | None = None) -> None:
    """Keep reason, hash and size of a refused request; the body itself is a stranger's and is never kept.

    A database that is away costs the note, not the answer: the request is refused all the same.
    """
    if not _within_the_minute():
        return
    log.warning("webhooks.refused", extra={"reason": reason, "event_id": event_id, "size": len(body)})
    values = {
        "at": clock.now(),
        "reason": reason,
        "event_id": event_id,
        "body_sha256": sha256(body).digest(),
        "body_size": len(body),
        "ip": ip,
        "most": MOST_A_MINUTE,
    }
    try:
        with transaction():
            db.session.execute(_NOTE, values)
    except SQLAlchemyError as error:
        log.warning("webhooks.refusal_not_noted", extra={"reason": type(error).__name__})


def _within_the_minute() -> bool:
    """This process's own share, so that a flood does not even ask the database."""
    with _guard:
        minute = int(time.monotonic() // 60)
        if _counted["minute"] != minute:
            _counted.update(minute=minute, refusals=0)
        _counted["refusals"] += 1
        return _counted["refusals"] <= MOST_A_MINUTE
