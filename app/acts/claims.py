"""Whose turn it is to find out about a promise without an answer: one worker at a time, the least hopeless first.

Refunds have a table and an engine of their own, and the same turns.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update

from app import clock
from app.database import db, transaction
from app.models.act import REQUESTED, Act
from app.models.refund import Refund

# Longer than the longest call: whoever asked that long ago has an answer, or is dead.
NOBODY_ASKS_AFTER = timedelta(seconds=40)
# Stripe forgets a key after 24 hours; asked then, it would act a second time.
KEY_LIVES = timedelta(hours=23)
# When Stripe is away it is away for all of them.
GIVE_UP_AFTER = 3
AT_ONCE = 200

Promised = TypeVar("Promised", Act, Refund)


def each(model: type[Promised], finish: Callable[[Promised], Promised]) -> int:
    """Let `finish` look after each promise without an answer that nobody is asking about. Returns how many were settled."""
    settled = unanswered = 0
    for promise_id in _waiting(model):
        promise = claim(model, promise_id)
        if promise is None:
            continue
        promise = finish(promise)
        settled += not promise.is_in_flight
        unanswered += promise.is_in_flight and not promise.needs_person
        if unanswered >= GIVE_UP_AFTER:
            break
    return settled


def claim(
    model: type[Promised], promise_id: UUID, *, note: Callable[[Promised], None] | None = None
) -> Promised | None:
    """This promise, now ours to ask about; None when another worker has it or it is settled. note: in the same transaction."""
    with transaction():
        mine = select(model).where(model.id == promise_id, model.status == REQUESTED, _free(model))
        promise = db.session.scalar(mine.with_for_update(skip_locked=True).execution_options(populate_existing=True))
        if promise:
            promise.asked_at = clock.now()
            promise.tries += 1
            if note:
                note(promise)
    return promise


def still_ours(promise: Promised) -> bool:
    """Looking may have taken long enough for another worker to take over; otherwise our time starts anew."""
    model = type(promise)
    with transaction():
        renewed = db.session.execute(
            update(model)
            .where(model.id == promise.id, model.status == REQUESTED, model.asked_at == promise.asked_at)
            .values(asked_at=clock.now())
            .returning(model.id)
        )
        return renewed.first() is not None


def may_claim(promise: Promised) -> bool:
    """It has no answer, and nobody is asking Stripe about it."""
    asked = promise.asked_at
    return promise.is_in_flight and (asked is None or asked < clock.now() - NOBODY_ASKS_AFTER)


def is_expired(promised_at: datetime) -> bool:
    """Stripe may have forgotten the key: it can be looked for, and not asked for again."""
    return promised_at < clock.now() - KEY_LIVES


def _waiting(model: type[Promised]) -> list[UUID]:
    """Those that failed least often first, so that one hopeless case holds nobody up."""
    found = select(model.id).where(model.status == REQUESTED, model.refusal.is_(None), _free(model))
    waiting = list(db.session.scalars(found.order_by(model.tries, model.requested_at).limit(AT_ONCE)))
    db.session.rollback()
    return waiting


def _free(model: type[Promised]) -> ColumnElement[bool]:
    return or_(model.asked_at.is_(None), model.asked_at < clock.now() - NOBODY_ASKS_AFTER)
