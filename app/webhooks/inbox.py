"""Events are kept first and understood any number of times, in any order.

The event's row and its effect are one transaction: an event that is here is either understood or waits, with its error,
for the worker. Nothing is answered with 2xx before that transaction is committed.
"""

import logging
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import DBAPIError

from app import clock
from app.database import db, transaction
from app.mirror import pull, raw
from app.mirror.pull import Reads
from app.models.webhook_event import WebhookEvent
from app.webhooks import changes, handlers, rows
from app.webhooks.envelope import Envelope, of
from app.webhooks.handlers import NotUnderstood, Verdict
from app.webhooks.patience import is_outage, patiently
from app.webhooks.rows import Open
from app.webhooks.signatures import NotBelieved
from app.webhooks.waits import LONGEST_WAIT, wait_after

log = logging.getLogger("webhooks.inbox")

# Some six hours of tries, longer than Stripe was ever away. After that a person looks at it.
MOST_ATTEMPTS = 40
_LONGEST_ERROR = 1_000
_QUOTED = re.compile(r'"[^"]*"')


def take_in(envelopes: Sequence[Envelope], *, source: str = "webhook") -> None:
    """Keep these events of one mode and bring the mirror up to them, all in one transaction.

    What cannot be understood is kept too, and waits. Events we have are counted, and not understood twice.

    Raises:
        SQLAlchemyError: the database is away; not all were kept, so nothing may be answered with 2xx.
    """
    heard_at = clock.now()
    try:
        patiently(lambda: _take_in(envelopes, source, heard_at))
    except Exception as error:
        if is_outage(error):
            raise
        # One of them spoils the whole batch: each alone, so that the others do not wait for it.
        log.warning("webhooks.batch_failed", extra={"events": [e.id for e in envelopes], "reason": _said(error)})
        for envelope in envelopes:
            _take_in_alone(envelope, source, heard_at)


def take_in_listed(events: Sequence[dict[str, Any]]) -> None:
    """The same for a page of Stripe's list of events. Those we have are left alone, strangers' and shapeless ones passed over."""
    known = set(db.session.scalars(select(WebhookEvent.id).where(WebhookEvent.id.in_([e.get("id") for e in events]))))
    db.session.rollback()
    missed = []
    for event in events:
        if event.get("id") in known or event.get("account") is not None:
            continue
        try:
            missed.append(of(event))
        except NotBelieved as why:
            log.warning(
                "webhooks.listed_event_unreadable", extra={"event_id": str(event.get("id")), "reason": str(why)}
            )
    if missed:
        take_in(missed, source="catch-up")


def understand(event_id: str, gateway: Reads) -> bool:
    """Try a waiting event again. False when it does not wait any more, or somebody else is at it.

    Safe to stop anywhere: the event waits until its effect is committed, and is tried again later.
    """
    with transaction():
        claimed = rows.claim(event_id)
    if claimed is None:
        return False
    try:
        _understand(claimed, gateway)
    except Exception as error:
        if is_outage(error):
            raise
        with transaction():
            rows.conclude_one(claimed, _failed(event_id, error, claimed.attempts))
    return True


def waiting(limit: int) -> list[str]:
    """Ids of the events that are due for a try, oldest first."""
    now = clock.now()
    # A wait that is longer than any we give comes from a clock that was set back since: it is over.
    due = or_(WebhookEvent.next_try_at <= now, WebhookEvent.next_try_at > now + LONGEST_WAIT * 2)
    query = select(WebhookEvent.id).where(WebhookEvent.state == "waiting", due)
    return list(db.session.scalars(query.order_by(WebhookEvent.created_at, WebhookEvent.id).limit(limit)))


def _take_in(envelopes: Sequence[Envelope], source: str, heard_at: datetime) -> None:
    with transaction():
        opened = rows.keep(envelopes, source, heard_at)
        if opened:
            rows.conclude(opened, _applied(opened, heard_at))


def _take_in_alone(envelope: Envelope, source: str, heard_at: datetime) -> None:
    """One event whose effect, should it fail, is undone while the event stays."""

    def take_in_alone() -> None:
        with transaction():
            for event in rows.keep([envelope], source, heard_at):
                rows.conclude([event], [_tried(event, heard_at)])

    patiently(take_in_alone)


def _applied(opened: Sequence[Open], heard_at: datetime) -> list[Verdict]:
    return handlers.apply([event.envelope for event in opened], account_id=opened[0].account_id, heard_at=heard_at)


def _tried(event: Open, heard_at: datetime) -> Verdict:
    try:
        with db.session.begin_nested():
            return _applied([event], heard_at)[0]
    except Exception as error:
        if is_outage(error):
            raise
        return _failed(event.envelope.id, error, event.attempts)


def _understand(claimed: Any, gateway: Reads) -> None:
    """Apply what was kept; where that leaves a doubt, let Stripe say how the object is now."""
    envelope = of(raw.unpack(claimed.body))
    kind = handlers.kind_of(envelope.type)
    before = changes.copy_of(kind, envelope.object_id)
    db.session.rollback()

    def changed() -> list[str]:
        return changes.differing(before, changes.copy_of(kind, envelope.object_id))

    def apply() -> Verdict:
        with transaction():
            [verdict] = handlers.apply([envelope], account_id=claimed.account_id, heard_at=claimed.received_at)
            if verdict.state != "waiting":
                rows.conclude_one(claimed, verdict, changed=changed())
            return verdict

    if patiently(apply).state != "waiting":
        return
    if kind is None or envelope.object_id is None:
        raise NotUnderstood(f"{envelope.type} names nothing that could be read again.")
    pull.read_again(kind, envelope.object_id, gateway, claimed.account_id)
    with transaction():
        rows.conclude_one(claimed, Verdict(envelope.id, "processed"), changed=changed())


def _failed(event_id: str, error: Exception, attempts: int) -> Verdict:
    """Waiting for its next try, or dead after the last."""
    log.warning("webhooks.event_failed", extra={"event_id": event_id, "attempts": attempts, "reason": _said(error)})
    if attempts >= MOST_ATTEMPTS:
        return Verdict(event_id, "dead", _said(error))
    return Verdict(event_id, "waiting", _said(error), wait_after(attempts))


def _said(error: Exception) -> str:
    """What went wrong, without the values: a statement's parameters are people's names and addresses."""
    if isinstance(error, DBAPIError):
        said = getattr(getattr(error.orig, "diag", None), "message_primary", None) or "no message"
        return f"{type(error.orig).__name__}: {_QUOTED.sub('[value]', said)}"
    return raw.clean_text(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
