"""Finishing refunds whose answer never came: a crash, a cut line, a Stripe that was away.

Stripe is looked at before it is asked again, always with the same key, and never blindly once that key has run out there.
"""

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select, update

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict, GatewayRefused, GatewayUnavailable
from app.models.refund import REFUSED, REQUESTED, Refund
from app.refunds import operations, reasons
from app.refunds.operations import Refunds

log = logging.getLogger("refunds")

# Longer than the longest call: whoever asked that long ago has an answer, or is dead.
NOBODY_ASKS_AFTER = timedelta(seconds=40)
# Stripe forgets a key after 24 hours; asked then, it would make a second refund.
KEY_LIVES = timedelta(hours=23)
# When Stripe is away it is away for all of them.
GIVE_UP_AFTER = 3
AT_ONCE = 200


def recover(gateway: Refunds) -> int:
    """Look after every refund that waits for an answer and that nobody is asking about. Returns how many were settled."""
    settled = unanswered = 0
    for refund_id in _waiting():
        refund = _claim(refund_id)
        if refund is None:
            continue
        refund = finish(refund, gateway=gateway)
        settled += not refund.is_in_flight
        unanswered += refund.is_in_flight and not refund.needs_person
        if unanswered >= GIVE_UP_AFTER:
            break
    return settled


def finish(refund: Refund, *, gateway: Refunds) -> Refund:
    """Find out what became of a claimed promise; ask again only if Stripe has no trace of it."""
    expired = refund.since < clock.now() - KEY_LIVES
    try:
        found = gateway.find_refund(refund.charge_id or "", str(refund.id))
    except (GatewayUnavailable, GatewayRefused) as doubt:
        # A refused look is no answer to the question whether the refund exists.
        return operations.keep_doubt(refund.id, doubt)
    if found:
        return operations.keep_found(refund.id, found["id"], gateway=gateway)
    if expired:
        return _hand_over(refund.id)
    return operations.settle(refund, gateway=gateway) if _still_ours(refund) else refund


def withdraw(refund_id: UUID, *, reason_text: str, actor: Actor, gateway: Refunds) -> Refund:
    """A person gives up a promise that never reached Stripe, so that the charge is free again.

    Raises:
        Conflict: it is not one that waits for a person, or Stripe has it after all.
        GatewayUnavailable: Stripe could not be asked; nothing changed.
    """
    words = reasons.in_words(reason_text)
    refund = db.session.get_one(Refund, refund_id, populate_existing=True)
    waits, charge_id = refund.needs_person, refund.charge_id or ""
    # The look ends here: no transaction stays open during the call.
    db.session.rollback()
    if not waits:
        raise Conflict("This refund does not wait for a person.")
    if found := gateway.find_refund(charge_id, str(refund_id)):
        operations.keep_found(refund_id, found["id"], gateway=gateway)
        raise Conflict("Stripe has made this refund after all; its state is up to date now.")
    with transaction():
        refund = db.session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
        if not refund.needs_person:
            raise Conflict("Somebody or something else was first; look again.")
        refund.status = REFUSED
        _record(actor, "refund.withdrawn", refund, reason=words)
    return refund


def _waiting() -> list[UUID]:
    """Those that failed least often first, so that one hopeless case holds nobody up."""
    free = or_(Refund.asked_at.is_(None), Refund.asked_at < clock.now() - NOBODY_ASKS_AFTER)
    found = select(Refund.id).where(Refund.status == REQUESTED, Refund.refusal.is_(None), free)
    waiting = list(db.session.scalars(found.order_by(Refund.tries, Refund.requested_at).limit(AT_ONCE)))
    db.session.rollback()
    return waiting


def _claim(refund_id: UUID) -> Refund | None:
    """This refund, now ours to ask about; None when another worker has it or it is settled."""
    with transaction():
        free = or_(Refund.asked_at.is_(None), Refund.asked_at < clock.now() - NOBODY_ASKS_AFTER)
        mine = select(Refund).where(Refund.id == refund_id, Refund.status == REQUESTED, free)
        refund = db.session.scalar(mine.with_for_update(skip_locked=True).execution_options(populate_existing=True))
        if refund:
            refund.asked_at = clock.now()
            refund.tries += 1
    return refund


def _still_ours(refund: Refund) -> bool:
    """Looking may have taken long enough for another worker to take over; otherwise our time starts anew."""
    with transaction():
        renewed = db.session.execute(
            update(Refund)
            .where(Refund.id == refund.id, Refund.status == REQUESTED, Refund.asked_at == refund.asked_at)
            .values(asked_at=clock.now())
            .returning(Refund.id)
        )
        return renewed.first() is not None


def _hand_over(refund_id: UUID) -> Refund:
    with transaction():
        refund = db.session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
        if refund.is_in_flight and refund.refusal is None:
            refund.asked_at = None
            refund.refusal = (
                "Stripe has no trace of this refund, and it is too old to be asked for again without the danger of paying "
                "twice. Look for it in Stripe's dashboard, then withdraw it here and start a new one if it is missing there."
            )
            _record(Actor.job("settle_refunds"), "refund.needs_person", refund)
    log.error("refund.needs_person", extra={"refund": str(refund_id)})
    return refund


def _record(actor: Actor, action: str, refund: Refund, *, reason: str | None = None) -> None:
    db.session.flush()
    trail.record(
        actor,
        action,
        "refund",
        str(refund.id),
        account_id=refund.account_id,
        reason=reason,
        before={"status": REQUESTED},
        after={"status": refund.status},
    )
