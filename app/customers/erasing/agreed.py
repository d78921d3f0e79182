"""Erasing with four eyes: asked for by one person, begun once another agreed. On until an admin wishes otherwise."""

from uuid import UUID

from flask import url_for
from sqlalchemy import select

from app.actor import Actor
from app.approvals import operations as approvals
from app.approvals import policies
from app.approvals.acts import Act
from app.customers.erasing import operations
from app.database import db
from app.models.approval import OPEN, Approval
from app.models.customer import Customer
from app.web.permissions import Permission

NAME = "customer.erase"
_FORCED = "Why it cannot wait"


def is_needed() -> bool:
    return policies.is_needed(NAME)


def ask_for(customer: Customer, *, reason: str, forced_because: str | None, erasure_id: UUID, actor: Actor) -> Approval:
    """Ask others to agree; nothing is erased before.

    Raises:
        Conflict, ReasonMissing, NotAllowed: it cannot be asked for.
    """
    facts = dict(operations.facts(customer.id, customer.account_id))
    return approvals.ask(
        NAME,
        object_type="customer",
        object_id=customer.id,
        payload={"forced": forced_because is not None},
        summary=f"Erase the person behind {customer.id}, for good",
        reason=reason,
        actor=actor,
        account_id=customer.account_id,
        facts=facts | ({_FORCED: forced_because} if forced_because else {}),
        approval_id=erasure_id,
    )


def waiting_for(customer_id: str) -> Approval | None:
    """The open request about this customer."""
    about = select(Approval).where(
        Approval.act == NAME, Approval.object_type == "customer", Approval.object_id == customer_id
    )
    found: Approval | None = db.session.scalar(about.where(Approval.state.in_(OPEN)))
    return found


def _execute(approval: Approval) -> str:
    """What is in the way is looked at again; the request's number is the erasure's."""
    operations.begin_within(
        approval.id,
        approval.object_id,
        account_id=approval.account_id or 0,
        reason=approval.reason,
        forced_because=approval.facts.get(_FORCED) if approval.payload.get("forced") else None,
        actor=Actor("staff", approval.asked_by),
    )
    return "Begun; the list of erasures shows how far it is."


ACT = Act(
    name=NAME,
    label="Erase a person",
    ask=Permission.CUSTOMER_ERASE,
    approve=Permission.CUSTOMER_ERASE,
    execute=_execute,
    in_transaction=True,
    facts=lambda approval: operations.facts(approval.object_id, approval.account_id or 0),
    url=lambda approval: url_for("customers.details", key=approval.object_id),
    on_by_default=True,
)
