"""Giving money back in three steps: promise it, ask Stripe, keep the answer."""

import logging
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from psycopg2 import errors as postgres
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError, OperationalError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import (
    Conflict,
    DomainError,
    GatewayRefused,
    GatewayUnavailable,
    RefundExceedsBalance,
    RefundInProgress,
    Unknown,
)
from app.gateways.answer import Answer
from app.gateways.lines import line
from app.mirror import refunds as mirrored_refunds
from app.mirror.news import News
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.refund import NOTE_WANTED, REFUSED, REQUESTED, Refund
from app.money import Money
from app.refunds import allowances, reasons
from app.refunds.allowances import AboveLimit
from app.refunds.reasons import Given

log = logging.getLogger("refunds")

# Older than anything Stripe says: its first answer always fills the promised row.
_BEFORE_STRIPE = datetime(1970, 1, 1, tzinfo=UTC)


class Refunds(Protocol):
    """What this needs of Stripe."""

    def create_refund(
        self, *, charge: str, amount: int, reason: str | None, metadata: dict[str, str], key: str
    ) -> Answer: ...
    def find_refund(self, charge: str, promise_id: str) -> dict[str, Any] | None: ...
    def retrieve(self, path: str) -> Answer: ...


def refund_charge(  # noqa: PLR0913 - what, how much, why and who: all of it belongs to one act
    charge_id: str,
    amount: Money,
    *,
    promise_id: UUID,
    reason: str,
    reason_text: str,
    actor: Actor,
    gateway: Refunds,
    approval_id: UUID | None = None,
    credit_note: bool = False,
) -> Refund:
    """Give money back. The refund's `status` says what came of it; `requested` means that nobody knows yet.

    promise_id: made with the form, so that the same form sent twice is the same refund, asked for once.
    reason: a code of the list of reasons; reason_text: why, in the actor's own words.
    approval_id: the request that others agreed to; without one the limits of who acts hold.
    credit_note: whether the invoice that was paid gets one, once Stripe has the refund.

    Raises:
        AboveLimit: it needs another person's word; nothing was promised and Stripe was not asked.
        DomainError: another rule said no, with the same effect.
    """
    refund, new = promise_refund(
        charge_id,
        amount,
        promise_id=promise_id,
        reason=reason,
        reason_text=reason_text,
        actor=actor,
        approval_id=approval_id,
        credit_note=credit_note,
    )
    if not new:
        return refund
    with line() as free:
        return settle(refund, gateway=gateway) if free else postpone(refund.id)


def promise_refund(  # noqa: PLR0913 - as above
    charge_id: str,
    amount: Money,
    *,
    promise_id: UUID,
    reason: str,
    reason_text: str,
    actor: Actor,
    approval_id: UUID | None = None,
    credit_note: bool = False,
) -> tuple[Refund, bool]:
    """Write down what will be asked of Stripe; False when this very promise was made before."""
    try:
        with transaction():
            charge = locked_charge(charge_id)
            if known := db.session.get(Refund, promise_id):
                return _same_promise(known, charge, amount), False
            why = reasons.given(reason, reason_text, agreed=approval_id is not None)
            charge.check_refund(amount)
            limit = _limit(amount, actor) if approval_id is None else {"approval": approval_id}
            refund = _promise(charge, amount, promise_id, why=why, actor=actor, approval_id=approval_id)
            refund.credit_note = NOTE_WANTED if credit_note else None
            trail.record(
                actor,
                "refund.requested",
                "refund",
                str(refund.id),
                account_id=charge.account_id,
                reason=why.words,
                before={"refundable": str(charge.refundable)},
                after={"charge": charge.id, "amount": str(amount), "reason": why.reason.code, **limit},
            )
    except (IntegrityError, OperationalError) as error:
        if rule := _rule_of(error):
            raise rule from error
        raise
    log.info("refund.requested", extra={"refund": str(refund.id), "charge": charge_id})
    return refund, True


def settle(refund: Refund, *, gateway: Refunds) -> Refund:
    """Ask Stripe for a promised refund and keep its answer. Safe to repeat: the key is the promise's own."""
    try:
        answer = gateway.create_refund(
            charge=refund.charge_id or "",
            amount=refund.amount,
            reason=refund.reason,
            metadata={"counterfoil_refund": str(refund.id), **reasons.as_metadata(refund.reason_text)},
            key=f"refund:{refund.id}",
        )
    except GatewayRefused as refusal:
        return keep_refusal(refund.id, refusal)
    except GatewayUnavailable as doubt:
        return keep_doubt(refund.id, doubt)
    if answer.replayed:
        # It tells how the refund was when it was made, which may be a day ago.
        return keep_found(refund.id, answer.body["id"], gateway=gateway)
    return keep_answer(refund.id, answer)


def keep_found(refund_id: UUID, stripe_id: str, *, gateway: Refunds) -> Refund:
    """Stripe has this refund: read it and keep what it is now."""
    try:
        answer = gateway.retrieve(f"/v1/refunds/{stripe_id}")
    except (GatewayRefused, GatewayUnavailable) as doubt:
        return keep_doubt(refund_id, doubt)
    return keep_answer(refund_id, answer)


def keep_answer(refund_id: UUID, answer: Answer) -> Refund:
    """What Stripe made of the promise, through the same door as its webhooks, which may have been faster."""
    with transaction():
        refund = _locked_refund(refund_id)
        mirrored_refunds.save_all([answer.body], News.read(answer, refund.account_id))
        db.session.refresh(refund)
        refund.asked_at = None
        if not _is_answered(refund_id):
            trail.record(
                Actor.stripe(),
                "refund.answered",
                "refund",
                str(refund_id),
                account_id=refund.account_id,
                before={"status": REQUESTED},
                after={"status": refund.status, "stripe_id": refund.stripe_id, "request_id": answer.request_id},
            )
    log.info("refund.answered", extra={"refund": str(refund_id), "status": refund.status})
    return refund


def keep_refusal(refund_id: UUID, refusal: GatewayRefused) -> Refund:
    """Stripe clearly said no: the promise ends, and the charge is free again."""
    with transaction():
        refund = _locked_refund(refund_id)
        if refund.status == REQUESTED:
            refund.status, refund.refusal, refund.asked_at = REFUSED, str(refusal), None
            trail.record(
                Actor.stripe(),
                "refund.refused",
                "refund",
                str(refund_id),
                account_id=refund.account_id,
                before={"status": REQUESTED},
                after={"status": REFUSED, "why": str(refusal), "code": refusal.code, "request_id": refusal.request_id},
            )
    log.warning("refund.refused", extra={"refund": str(refund_id), "code": refusal.code})
    return refund


def keep_doubt(refund_id: UUID, doubt: GatewayUnavailable | GatewayRefused) -> Refund:
    """No certain answer: it stays requested until the recovery knows more."""
    log.warning("refund.unanswered", extra={"refund": str(refund_id), "why": str(doubt)})
    return postpone(refund_id)


def postpone(refund_id: UUID) -> Refund:
    """From now on the recovery may take it up."""
    with transaction():
        refund = _locked_refund(refund_id)
        refund.asked_at = None
    return refund


def locked_charge(charge_id: str) -> Charge:
    """The payment as it is now, held until the transaction is over."""
    # What this session read before may be old by now: a dispute could have come in between.
    db.session.expire_all()
    charge = db.session.get(Charge, charge_id, with_for_update=True)
    if charge is None or charge.deleted_at:
        raise Unknown("There is no such payment.")
    return charge


def _locked_refund(refund_id: UUID) -> Refund:
    return db.session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)


def _is_answered(refund_id: UUID) -> bool:
    answered = exists().where(
        AuditLog.object_type == "refund", AuditLog.object_id == str(refund_id), AuditLog.action == "refund.answered"
    )
    return bool(db.session.scalar(select(answered)))


def _same_promise(known: Refund, charge: Charge, amount: Money) -> Refund:
    if known.charge_id != charge.id or known.money != amount:
        raise Conflict("This form was already sent for another refund. Open the payment again and start anew.")
    return known


def _limit(amount: Money, actor: Actor) -> dict[str, object]:
    """The limit as the trail keeps it. The database counts once more, under a lock of its own."""
    allowed = allowances.allowance(actor.name, amount.currency) if actor.kind == "staff" else None
    if allowed is None:
        return {}
    allowed.check(amount)
    return {"limit": allowed.words}


def _promise(  # noqa: PLR0913 - as above
    charge: Charge, amount: Money, promise_id: UUID, *, why: Given, actor: Actor, approval_id: UUID | None
) -> Refund:
    now = clock.now()
    refund = Refund(
        id=promise_id,
        account_id=charge.account_id,
        charge_id=charge.id,
        payment_intent_id=charge.payment_intent_id,
        amount=amount.minor,
        currency=amount.currency,
        status=REQUESTED,
        reason=why.reason.stripe,
        reason_text=why.words,
        approval_id=approval_id,
        requested_by=actor.name,
        requested_at=now,
        created_at=now,
        asked_at=now,
        tries=1,
        seen_at=_BEFORE_STRIPE,
        heard_at=_BEFORE_STRIPE,
        rank=0,
    )
    db.session.add(refund)
    db.session.flush()
    return refund


def _rule_of(error: IntegrityError | OperationalError) -> DomainError | None:
    """The rule that the database kept, in words; None when it is not one of ours."""
    if isinstance(error.orig, postgres.LockNotAvailable):
        return RefundInProgress("Somebody is working on this payment at this moment. Try again in a few seconds.")
    rule = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    match rule:
        case "uq_refunds_one_in_flight":
            return RefundInProgress("A refund of this payment is already in progress. Wait for Stripe's answer.")
        case "refund_fits_charge":
            return RefundExceedsBalance("This is more than is left to refund.")
        case "refund_within_limit":
            return AboveLimit("This is above your limit of the day: another person has to agree.")
        case "pk_refunds":
            return Conflict("This form was already sent for another refund. Open the payment again and start anew.")
    return None
