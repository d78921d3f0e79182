"""Finishing acts whose answer never came: a crash, a cut line, a Stripe that was away.

Stripe is looked at before it is asked again, always with the same key, and never blindly once that key has run out there.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select, update

from app import clock
from app.actor import Actor
from app.acts import operations
from app.acts.kinds import ActKind
from app.acts.operations import Asks
from app.database import db, transaction
from app.errors import Conflict, GatewayRefused, GatewayUnavailable, ReasonMissing
from app.logs import redact
from app.models.act import REQUESTED, WITHDRAWN, Act

log = logging.getLogger("acts")

# Longer than the longest call: whoever asked that long ago has an answer, or is dead.
NOBODY_ASKS_AFTER = timedelta(seconds=40)
# Stripe forgets a key after 24 hours; asked then, it would act a second time.
KEY_LIVES = timedelta(hours=23)
# When Stripe is away it is away for all of them.
GIVE_UP_AFTER = 3
AT_ONCE = 200
_LONGEST_REASON = 1_000

Kinds = Mapping[str, ActKind]


def recover(gateway: Asks, kinds: Kinds) -> int:
    """Look after every act that waits for an answer and that nobody is asking about. Returns how many were settled."""
    settled = unanswered = 0
    for act_id in _waiting():
        act = _claim(act_id)
        if act is None:
            continue
        act = finish(kinds[act.kind], act, gateway=gateway)
        settled += not act.is_in_flight
        unanswered += act.is_in_flight and not act.needs_person
        if unanswered >= GIVE_UP_AFTER:
            break
    return settled


def finish(kind: ActKind, act: Act, *, gateway: Asks) -> Act:
    """Find out what became of a claimed promise; ask again only if Stripe has no trace of it."""
    expired = act.requested_at < clock.now() - KEY_LIVES
    try:
        found = kind.find(act, gateway)
    except (GatewayUnavailable, GatewayRefused) as doubt:
        # A refused look is no answer to the question whether it happened.
        return operations.keep_doubt(act.id, doubt)
    if found:
        return operations.keep_answer(kind, act.id, found)
    if expired:
        return _hand_over(act.id)
    return operations.settle(kind, act, gateway=gateway) if _still_ours(act) else act


def withdraw(act_id: UUID, kinds: Kinds, *, words: str, actor: Actor, gateway: Asks) -> Act:
    """A person gives up an act that never reached Stripe, so that what it locked is free again.

    Raises:
        ReasonMissing: nobody said why.
        Conflict: it is not one that waits for a person, or Stripe has it after all.
        GatewayUnavailable: Stripe could not be asked; nothing changed.
    """
    reason = redact(words.replace("\0", " ").strip())[:_LONGEST_REASON]
    if not reason:
        raise ReasonMissing("Write a sentence on why this is given up.")
    act = db.session.get_one(Act, act_id, populate_existing=True)
    kind = kinds[act.kind]
    # The look ends here: no transaction stays open during the call, nor is one begun by reading this row again.
    db.session.expunge(act)
    db.session.rollback()
    if not act.needs_person:
        raise Conflict("This does not wait for a person.")
    if found := kind.find(act, gateway):
        operations.keep_answer(kind, act_id, found)
        raise Conflict("Stripe has done this after all; its state is up to date now.")
    with transaction():
        act = db.session.get_one(Act, act_id, with_for_update=True, populate_existing=True)
        if not act.needs_person:
            raise Conflict("Somebody or something else was first; look again.")
        act.status, act.asked_at, act.answered_at = WITHDRAWN, None, clock.now()
        if kind.after_refusal:
            kind.after_refusal(act)
        operations.record(actor, f"{kind.name}.withdrawn", act, reason=reason)
    return act


def _waiting() -> list[UUID]:
    """Those that failed least often first, so that one hopeless case holds nobody up."""
    free = or_(Act.asked_at.is_(None), Act.asked_at < clock.now() - NOBODY_ASKS_AFTER)
    found = select(Act.id).where(Act.status == REQUESTED, Act.refusal.is_(None), free)
    waiting = list(db.session.scalars(found.order_by(Act.tries, Act.requested_at).limit(AT_ONCE)))
    db.session.rollback()
    return waiting


def _claim(act_id: UUID) -> Act | None:
    """This act, now ours to ask about; None when another worker has it or it is settled."""
    with transaction():
        free = or_(Act.asked_at.is_(None), Act.asked_at < clock.now() - NOBODY_ASKS_AFTER)
        mine = select(Act).where(Act.id == act_id, Act.status == REQUESTED, free)
        act = db.session.scalar(mine.with_for_update(skip_locked=True).execution_options(populate_existing=True))
        if act:
            act.asked_at = clock.now()
            act.tries += 1
    return act


def _still_ours(act: Act) -> bool:
    """Looking may have taken long enough for another worker to take over; otherwise our time starts anew."""
    with transaction():
        renewed = db.session.execute(
            update(Act)
            .where(Act.id == act.id, Act.status == REQUESTED, Act.asked_at == act.asked_at)
            .values(asked_at=clock.now())
            .returning(Act.id)
        )
        return renewed.first() is not None


def _hand_over(act_id: UUID) -> Act:
    with transaction():
        act = db.session.get_one(Act, act_id, with_for_update=True, populate_existing=True)
        if act.status == REQUESTED and act.refusal is None:
            act.asked_at = None
            act.refusal = "Stripe shows no trace of it, and it is too old to be asked for again without knowing."
            operations.record(Actor.job("settle_acts"), f"{act.kind}.needs_person", act)
    log.error("act.needs_person", extra={"act": str(act_id)})
    return act
