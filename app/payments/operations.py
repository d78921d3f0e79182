"""Taking the money that a payment holds, letting it go, and looking again at a payment that is stuck."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.actor import Actor
from app.acts.kinds import Promise
from app.acts.operations import Asks, perform
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Unknown
from app.logs import redact
from app.mirror import pull
from app.mirror.pull import Reads
from app.models.act import Act
from app.models.charge import Charge
from app.models.payment_intent import REASONS, PaymentIntent
from app.money import Money
from app.payments.acts import CANCEL, CAPTURE

LONGEST = 1_000
_OF_INTENT = ("status", "amount_capturable", "amount_received", "cancellation_reason")
_OF_CHARGE = ("status", "captured", "amount_captured", "amount_refunded", "refunded", "disputed")
State = dict[str, Any]


def capture_payment(  # noqa: PLR0913 - what, how much, why and who: all of it belongs to one act
    intent_id: str, amount: Money, *, promise_id: UUID, words: str, actor: Actor, gateway: Asks
) -> Act:
    """Take what is held, or a part of it; the rest is released, and there is no second capture.

    Raises:
        DomainError: a rule said no; nothing was promised and Stripe was not asked.
        Conflict: another capture or cancellation of this payment has no answer yet.
    """

    def prepare() -> Promise:
        intent = _locked(intent_id)
        intent.check_capture(amount)
        return Promise(
            account_id=intent.account_id,
            object_type="payment_intent",
            object_id=intent.id,
            path=f"/v1/payment_intents/{intent.id}/capture",
            form={"amount_to_capture": amount.minor},
            lock=f"payment:{intent.id}",
            before={"status": intent.status, "capturable": str(intent.capturable)},
            after={"amount": str(amount), "released": str(intent.capturable - amount)},
        )

    said = in_words(words)
    return perform(CAPTURE, prepare, promise_id=promise_id, actor=actor, reason=said, gateway=gateway)


def cancel_payment(  # noqa: PLR0913 - as above
    intent_id: str, reason: str, *, promise_id: UUID, words: str, actor: Actor, gateway: Asks
) -> Act:
    """End a payment that has not gone through; what it holds is released.

    reason: one of Stripe's four, models.payment_intent.REASONS.
    Raises:
        DomainError: a rule said no; nothing was promised and Stripe was not asked.
        Conflict: another capture or cancellation of this payment has no answer yet.
    """

    def prepare() -> Promise:
        intent = _locked(intent_id)
        intent.check_cancel()
        return Promise(
            account_id=intent.account_id,
            object_type="payment_intent",
            object_id=intent.id,
            path=f"/v1/payment_intents/{intent.id}/cancel",
            form={"cancellation_reason": reason},
            lock=f"payment:{intent.id}",
            before={"status": intent.status, "capturable": str(intent.capturable)},
            after={"reason": reason, "released": str(intent.capturable)},
        )

    if reason not in REASONS:
        raise BadRequest("Choose one of the reasons.")
    said = in_words(words)
    return perform(CANCEL, prepare, promise_id=promise_id, actor=actor, reason=said, gateway=gateway)


def read_again(intent_id: str, *, actor: Actor, gateway: Reads) -> bool:
    """Ask Stripe how a payment and its attempts stand and take that over, whatever stood here; whether anything was different.

    The only way to change a state by hand: nobody types one.
    Raises:
        GatewayUnavailable, GatewayRefused: nothing was changed.
    """
    account_id, before = _state(intent_id)
    pull.read_again("payment_intent", intent_id, gateway, account_id)
    for charge_id in _charges(intent_id):
        pull.read_again("charge", charge_id, gateway, account_id)
    with transaction():
        _, after = _state(intent_id, keep=True)
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        trail.record(
            actor,
            "payment.read_again" if changed else "object.synced",
            "payment_intent",
            intent_id,
            account_id=account_id,
            before={name: before.get(name) for name in sorted(changed)},
            after={name: after.get(name) for name in sorted(changed)},
        )
    return bool(changed)


def in_words(text: str) -> str | None:
    """What a person wrote beside the act, without what looks like a card number or a key; None when nothing was.

    Raises:
        BadRequest: it is longer than can be kept.
    """
    written = redact(text.replace("\0", " ").strip())
    if len(written) > LONGEST:
        raise BadRequest(f"The note has {len(written)} characters; at most {LONGEST} can be kept.")
    return written or None


def _locked(intent_id: str) -> PaymentIntent:
    intent = db.session.get(PaymentIntent, intent_id, with_for_update=True)
    if intent is None or intent.deleted_at:
        raise Unknown("There is no such payment.")
    return intent


def _charges(intent_id: str) -> list[str]:
    """The attempts we know, and the one the intent names."""
    named = db.session.scalar(select(PaymentIntent.latest_charge_id).where(PaymentIntent.id == intent_id))
    known = db.session.scalars(select(Charge.id).where(Charge.payment_intent_id == intent_id))
    found = sorted({*known, *([named] if named else [])})
    db.session.rollback()  # nothing stays open while Stripe is asked
    return found


def _state(intent_id: str, *, keep: bool = False) -> tuple[int, State]:
    """The account, and what the payment and its attempts say of themselves. keep: in the transaction that is open."""
    intent = db.session.get_one(PaymentIntent, intent_id, populate_existing=True)
    charges = db.session.scalars(
        select(Charge).where(Charge.payment_intent_id == intent_id).execution_options(populate_existing=True)
    )
    state = {name: getattr(intent, name) for name in _OF_INTENT}
    state |= {f"{charge.id} {name}": getattr(charge, name) for charge in charges for name in _OF_CHARGE}
    account_id = intent.account_id
    if not keep:
        db.session.rollback()
    return account_id, state
