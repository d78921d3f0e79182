"""What a person may do about an event: have it understood once more, alone or with many, or let it be."""

from collections.abc import Sequence

from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.mirror.pull import Reads
from app.models.webhook_event import WebhookEvent
from app.models.webhook_try import WebhookTry
from app.webhooks import inbox

# Each has its line in the trail, and the chain of the trail is locked while they are written.
MOST_AT_ONCE = 1_000
_TOGETHER = 100
_LONGEST_REASON = 1_000


def replay(event_id: str, gateway: Reads, *, actor: Actor, reason: str | None = None) -> str:
    """Understand an event once more, whatever became of it before; its state afterwards.

    Raises:
        Unknown: there is no such event.
    """
    with transaction():
        event = _locked(event_id)
        _put_back(event, actor, reason)
    inbox.understand(event_id, gateway)
    return db.session.get_one(WebhookEvent, event_id, populate_existing=True).state


def replay_many(event_ids: Sequence[str], *, account_id: int, actor: Actor, reason: str) -> int:
    """Put these events back among those that wait for the worker, a hundred at a time; how many were put back.

    One that waits already is left alone, so that the same wish twice is one. Safe to stop between the hundreds, and to say again.
    Raises:
        BadRequest: more than `MOST_AT_ONCE`, or none.
        ReasonMissing: the reason is empty.
    """
    if not 0 < len(event_ids) <= MOST_AT_ONCE:
        raise BadRequest(f"Choose between 1 and {MOST_AT_ONCE:,} events.")
    words = in_words(reason)
    put_back = 0
    ordered = sorted(set(event_ids))
    for start in range(0, len(ordered), _TOGETHER):
        with transaction():
            events = db.session.scalars(
                select(WebhookEvent)
                .where(WebhookEvent.id.in_(ordered[start : start + _TOGETHER]), WebhookEvent.account_id == account_id)
                .where(WebhookEvent.state != "waiting")
                .order_by(WebhookEvent.id)
                .with_for_update()
                .execution_options(populate_existing=True)
            ).all()
            for event in events:
                _put_back(event, actor, words)
            put_back += len(events)
    return put_back


def ignore(event_id: str, *, actor: Actor, reason: str) -> None:
    """Let an event be that could not be understood. It can still be replayed.

    Raises:
        Unknown: there is no such event.
        Conflict: it was understood, or is ignored already.
        ReasonMissing: the reason is empty.
    """
    words = in_words(reason)
    with transaction():
        event = _locked(event_id)
        if event.state not in {"dead", "waiting"}:
            raise Conflict(f"This event is {event.state}; there is nothing left to ignore. Reload the page.")
        before = {"state": event.state, "attempts": event.attempts, "error": event.error}
        event.state, event.next_try_at, event.processed_at = "ignored", None, clock.now()
        db.session.add(
            WebhookTry(
                account_id=event.account_id, event_id=event_id, at=clock.now(), number=event.attempts, state="ignored"
            )
        )
        trail.record(
            actor,
            "event.ignored",
            "webhook_event",
            event_id,
            account_id=event.account_id,
            reason=words,
            before=before,
            after={"state": "ignored"},
        )


def in_words(reason: str) -> str:
    """The reason without what surrounds it.

    Raises:
        ReasonMissing: there is none.
        BadRequest: it is longer than 1,000 characters.
    """
    words = reason.strip()
    if not words:
        raise ReasonMissing("Write a sentence on why.")
    if len(words) > _LONGEST_REASON:
        raise BadRequest(f"The reason may have at most {_LONGEST_REASON:,} characters.")
    return words


def _locked(event_id: str) -> WebhookEvent:
    event = db.session.get(WebhookEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None:
        raise Unknown(f"There is no event {event_id}.")
    return event


def _put_back(event: WebhookEvent, actor: Actor, reason: str | None) -> None:
    before = {"state": event.state, "attempts": event.attempts, "error": event.error}
    event.state, event.attempts, event.next_try_at, event.processed_at = "waiting", 0, clock.now(), None
    trail.record(
        actor,
        "event.replayed",
        "webhook_event",
        event.id,
        account_id=event.account_id,
        reason=reason,
        before=before,
        after={"state": "waiting"},
    )
