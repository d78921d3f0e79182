"""Handing out all that is kept of one person, with four eyes where the shop wishes it. Off until an admin does."""

from datetime import timedelta
from uuid import UUID

from flask import url_for
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.approvals import operations as approvals
from app.approvals import policies
from app.approvals.acts import Act
from app.customers.belongings import ids_of
from app.database import db
from app.models.approval import Approval
from app.models.customer import Customer
from app.web.permissions import Permission

NAME = "customer.export"
# As long as who asked may take it, as often as a download breaks off; each time is put on record.
FOR = timedelta(hours=24)


def is_needed() -> bool:
    return policies.is_needed(NAME)


def is_agreed(customer: Customer, *, current_person_id: UUID) -> bool:
    """Whether this person asked for it, others agreed, and it is not long ago."""
    mine = select(Approval.id).where(
        Approval.act == NAME,
        Approval.object_id == customer.id,
        Approval.account_id == customer.account_id,
        Approval.asked_by_id == current_person_id,
        Approval.state == "done",
        Approval.decided_at > clock.now() - FOR,
    )
    return db.session.scalar(mine.limit(1)) is not None


def ask_for(customer: Customer, *, reason: str, actor: Actor) -> Approval:
    """Ask others to agree. Nothing is handed out before.

    Raises:
        ReasonMissing: nobody said why. Conflict: it is asked for already. NotAllowed: this person may not.
    """
    return approvals.ask(
        NAME,
        object_type="customer",
        object_id=customer.id,
        payload={},
        summary=f"Take out all that is kept of {customer.id}",
        reason=reason,
        actor=actor,
        account_id=customer.account_id,
        facts=_facts(customer.id, customer.account_id),
    )


def _facts(customer_id: str, account_id: int) -> dict[str, str]:
    return {"Objects of Stripe": str(len(ids_of(customer_id, account_id)))}


def _execute(approval: Approval) -> str:
    return f"{approval.asked_by} may take it from the customer’s page for 24 hours."


ACT = Act(
    name=NAME,
    label="Export of a person",
    ask=Permission.CUSTOMER_EXPORT,
    approve=Permission.CUSTOMER_EXPORT,
    execute=_execute,
    in_transaction=True,
    facts=lambda approval: _facts(approval.object_id, approval.account_id or 0),
    url=lambda approval: url_for("customers.details", key=approval.object_id),
)
