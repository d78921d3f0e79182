"""Refunds above somebody's limit: asked for here, and given back once another person agreed."""

from collections.abc import Mapping
from uuid import UUID

from flask import url_for
from sqlalchemy import select

from app.actor import Actor
from app.approvals import operations as approvals
from app.approvals import policies
from app.approvals.acts import Act
from app.database import db, transaction
from app.errors import DomainError
from app.gateways.current import gateway
from app.models.approval import OPEN, Approval
from app.models.charge import Charge
from app.models.refund import REFUSED, REQUESTED
from app.money import MinorUnits, Money
from app.refunds import operations, reasons
from app.refunds.allowances import AboveLimit
from app.web.permissions import Permission

NAME = "refund"


def ask_for(  # noqa: PLR0913 - what, how much, why and who, as for the refund itself
    charge_id: str,
    amount: Money,
    *,
    promise_id: UUID,
    reason: str,
    reason_text: str,
    limit: AboveLimit,
    actor: Actor,
    credit_note: bool = False,
) -> Approval:
    """Ask others to agree to this refund; Stripe is not asked. It becomes the refund of this very promise.

    Raises:
        AboveLimit: the rules of the house let nobody agree to it. DomainError: it could not be refunded now anyway.
    """
    if not policies.is_needed(NAME, amount):
        raise limit
    why = reasons.given(reason, reason_text)
    with transaction():
        charge = operations.locked_charge(charge_id)
        charge.check_refund(amount)
        account_id, facts = charge.account_id, _facts(charge)
    return approvals.ask(
        NAME,
        object_type="charge",
        object_id=charge_id,
        payload={
            "amount": amount.minor,
            "currency": amount.currency,
            "reason": why.reason.code,
            **({"credit_note": True} if credit_note else {}),
        },
        summary=f"Refund {amount} of {charge_id}",
        reason=why.words,
        actor=actor,
        account_id=account_id,
        facts=facts | {"Why it needs another person": str(limit)},
        approval_id=promise_id,
    )


def waiting_for(charge_id: str) -> Approval | None:
    """The open request about this payment."""
    about = select(Approval).where(
        Approval.act == NAME, Approval.object_type == "charge", Approval.object_id == charge_id
    )
    found: Approval | None = db.session.scalar(about.where(Approval.state.in_(OPEN)))
    return found


def _execute(approval: Approval) -> str:
    """The promise has the request's id, so a second attempt is the same refund."""
    amount = Money(MinorUnits(approval.payload["amount"]), approval.payload["currency"])
    refund = operations.refund_charge(
        approval.object_id,
        amount,
        promise_id=approval.id,
        reason=approval.payload["reason"],
        reason_text=approval.reason,
        actor=Actor("staff", approval.asked_by),
        gateway=gateway(),
        approval_id=approval.id,
        credit_note=bool(approval.payload.get("credit_note")),
    )
    if refund.status == REFUSED:
        raise DomainError(refund.refusal or "Stripe refused it.")
    return f"{amount} asked of Stripe, which is being checked." if refund.status == REQUESTED else f"Refunded {amount}."


def _facts_now(approval: Approval) -> Mapping[str, str]:
    charge = db.session.get(Charge, approval.object_id)
    return _facts(charge) if charge else {}


def _facts(charge: Charge) -> dict[str, str]:
    return {
        "Paid": str(charge.taken),
        "Already back": str(charge.given_back),
        "Left to refund": str(charge.refundable),
        "In the way": str(charge.refund_obstacle or "Nothing"),
    }


ACT = Act(
    name=NAME,
    label="Refund above a limit",
    ask=Permission.REFUND_CREATE,
    approve=Permission.REFUND_APPROVE,
    execute=_execute,
    facts=_facts_now,
    url=lambda approval: url_for("charges.details", key=approval.object_id),
    on_by_default=True,
    with_amounts=True,
)
