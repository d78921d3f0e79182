"""Finishing refunds whose answer never came: a crash, a cut line, a Stripe that was away.

Stripe is looked at before it is asked again, always with the same key, and never blindly once that key has run out there.
"""

import logging
from uuid import UUID

from app.actor import Actor
from app.acts import claims
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict, GatewayRefused, GatewayUnavailable
from app.models.refund import REFUSED, REQUESTED, Refund
from app.refunds import operations, reasons
from app.refunds.operations import Refunds

log = logging.getLogger("refunds")


def recover(gateway: Refunds) -> int:
    """Look after every refund that waits for an answer and that nobody is asking about. Returns how many were settled."""
    return claims.each(Refund, lambda refund: finish(refund, gateway=gateway))


def finish(refund: Refund, *, gateway: Refunds) -> Refund:
    """Find out what became of a claimed promise; ask again only if Stripe has no trace of it."""
    expired = claims.is_expired(refund.since)
    try:
        found = gateway.find_refund(refund.charge_id or "", str(refund.id))
    except (GatewayUnavailable, GatewayRefused) as doubt:
        # A refused look is no answer to the question whether the refund exists.
        return operations.keep_doubt(refund.id, doubt)
    if found:
        return operations.keep_found(refund.id, found["id"], gateway=gateway)
    if expired:
        return _hand_over(refund.id)
    return operations.settle(refund, gateway=gateway) if claims.still_ours(refund) else refund


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
