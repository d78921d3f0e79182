"""Finishing acts whose answer never came: a crash, a cut line, a Stripe that was away.

Stripe is looked at before it is asked again, always with the same key, and never blindly once that key has run out there.
"""

import logging
from collections.abc import Mapping
from uuid import UUID

from app import clock
from app.actor import Actor
from app.acts import claims, operations
from app.acts.kinds import ActKind
from app.acts.operations import Asks
from app.database import db, transaction
from app.errors import Conflict, GatewayRefused, GatewayUnavailable, ReasonMissing
from app.logs import redact
from app.models.act import REQUESTED, WITHDRAWN, Act

log = logging.getLogger("acts")

LONGEST_REASON = 1_000

Kinds = Mapping[str, ActKind]


def recover(gateway: Asks, kinds: Kinds) -> int:
    """Look after every act that waits for an answer and that nobody is asking about. Returns how many were settled."""
    return claims.each(Act, lambda act: finish(kinds[act.kind], act, gateway=gateway))


def finish(kind: ActKind, act: Act, *, gateway: Asks) -> Act:
    """Find out what became of a claimed promise; ask again only if Stripe has no trace of it."""
    expired = claims.is_expired(act.requested_at)
    try:
        found = kind.look_for(act, gateway)
    except (GatewayUnavailable, GatewayRefused) as doubt:
        # A refused look is no answer to the question whether it happened.
        return operations.keep_doubt(act.id, doubt)
    if found:
        return operations.keep_answer(kind, act.id, found)
    if expired:
        return _hand_over(act.id)
    return operations.settle(kind, act, gateway=gateway) if claims.still_ours(act) else act


def look_again(act_id: UUID, kinds: Kinds, *, actor: Actor, gateway: Asks) -> Act:
    """A person does not wait for the job: the same look, and the same question with the same key where that is still safe.

    Raises:
        Conflict: it has its answer, or somebody is asking Stripe about it at this moment.
    """
    act = claims.claim(Act, act_id, note=lambda act: operations.record(actor, f"{act.kind}.looked_up", act))
    if act is None:
        raise Conflict("It has been answered, or is being looked up at this moment.")
    return finish(kinds[act.kind], act, gateway=gateway)


def withdraw(act_id: UUID, kinds: Kinds, *, words: str, actor: Actor, gateway: Asks) -> Act:
    """A person gives up an act that never reached Stripe, so that what it locked is free again.

    Raises:
        ReasonMissing: nobody said why.
        Conflict: it is not one that waits for a person, or Stripe has it after all.
        GatewayUnavailable: Stripe could not be asked; nothing changed.
    """
    reason = redact(words.replace("\0", " ").strip())[:LONGEST_REASON]
    if not reason:
        raise ReasonMissing("Write a sentence on why this is given up.")
    act = db.session.get_one(Act, act_id, populate_existing=True)
    kind = kinds[act.kind]
    # The look ends here: no transaction stays open during the call, nor is one begun by reading this row again.
    db.session.expunge(act)
    db.session.rollback()
    if not act.needs_person:
        raise Conflict("This does not wait for a person.")
    if found := kind.look_for(act, gateway):
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


def _hand_over(act_id: UUID) -> Act:
    with transaction():
        act = db.session.get_one(Act, act_id, with_for_update=True, populate_existing=True)
        # Nobody is asking any more, also where a person looked once more.
        act.asked_at = None
        if act.status == REQUESTED and act.refusal is None:
            act.refusal = "Stripe shows no trace of it, and it is too old to be asked for again without knowing."
            operations.record(Actor.job("settle_acts"), f"{act.kind}.needs_person", act)
    log.error("act.needs_person", extra={"act": str(act_id)})
    return act
