"""Accepting with four eyes: asked for here, and done once another person agreed. Off until an admin wishes it."""

from collections.abc import Mapping
from uuid import UUID

from flask import url_for
from sqlalchemy import select

from app.actor import Actor
from app.approvals import operations as approvals
from app.approvals import policies
from app.approvals.acts import Act
from app.database import db
from app.disputes import operations
from app.errors import DomainError
from app.gateways.current import gateway
from app.models.approval import OPEN, Approval
from app.models.dispute import Dispute
from app.web.permissions import Permission

NAME = "dispute.accept"


def is_needed(dispute: Dispute) -> bool:
    """Whether the rule for accepting asks for another person's word about this amount."""
    return policies.is_needed(NAME, dispute.money)


def ask_for(dispute: Dispute, *, words: str, promise_id: UUID, actor: Actor) -> Approval:
    """Ask others to agree; Stripe is not asked. It becomes the act of this very promise.

    Raises:
        Conflict, DisputeClosed: it could not be accepted now anyway. ReasonMissing: nobody said why.
    """
    if refusal := dispute.accept_obstacle:
        raise refusal
    return approvals.ask(
        NAME,
        object_type="dispute",
        object_id=dispute.id,
        payload={"amount": dispute.amount, "currency": dispute.currency},
        summary=f"Accept {dispute.id}, giving up {dispute.money}",
        reason=words,
        actor=actor,
        account_id=dispute.account_id,
        facts=_facts(dispute),
        approval_id=promise_id,
    )


def waiting_for(dispute_id: str) -> Approval | None:
    """The open request about this dispute."""
    about = select(Approval).where(
        Approval.act == NAME, Approval.object_type == "dispute", Approval.object_id == dispute_id
    )
    found: Approval | None = db.session.scalar(about.where(Approval.state.in_(OPEN)))
    return found


def _execute(approval: Approval) -> str:
    """The promise has the request's id, so a second attempt is the same act."""
    act = operations.accept(
        approval.object_id,
        words=approval.reason,
        promise_id=approval.id,
        actor=Actor("staff", approval.asked_by),
        gateway=gateway(),
    )
    if act.status == "refused":
        raise DomainError(act.refusal or "Stripe refused it.")
    return "Asked of Stripe, which is being checked." if act.is_in_flight else "Accepted; the dispute is lost."


def _facts_now(approval: Approval) -> Mapping[str, str]:
    dispute = db.session.get(Dispute, approval.object_id)
    return _facts(dispute) if dispute else {}


def _facts(dispute: Dispute) -> dict[str, str]:
    return {"Status": dispute.status.replace("_", " "), "Amount": str(dispute.money)}


ACT = Act(
    name=NAME,
    label="Accept a dispute",
    ask=Permission.DISPUTE_ACCEPT,
    approve=Permission.DISPUTE_ACCEPT,
    execute=_execute,
    facts=_facts_now,
    url=lambda approval: url_for("disputes.details", key=approval.object_id),
    with_amounts=True,
)
