"""Roles and invitations with four eyes: asked for by one person, given once another agreed. Off until an admin wishes it."""

from collections.abc import Mapping
from uuid import UUID

from flask import url_for
from sqlalchemy import select

from app.actor import Actor
from app.approvals import operations as approvals
from app.approvals import policies
from app.approvals.acts import Act
from app.audit import trail
from app.database import db
from app.errors import Conflict, DomainError
from app.models.approval import APPROVE, OPEN, Approval
from app.models.staff import Staff
from app.staff import operations
from app.staff.invitations import operations as invitations
from app.staff.invitations.door import post
from app.web.permissions import ROLE_NAMES, Permission

ROLE_NAME = "staff.role"
INVITE_NAME = "staff.invite"


def ask_for_role(person: Staff, role: str, *, reason: str, actor: Actor) -> Approval:
    """Ask others to agree that this person gets another role; they keep the one they have until then.

    Raises:
        Conflict: they have it, or it is being asked for already. ReasonMissing, NotAllowed: it cannot be asked for.
    """
    operations.checked_role(role)
    if person.role == role:
        raise Conflict(f"{person.email} has this role already.")
    return approvals.ask(
        ROLE_NAME,
        object_type="staff",
        object_id=str(person.id),
        payload={"from": person.role, "to": role},
        summary=f"Give {person.email} the role {ROLE_NAMES[role]}, in place of {ROLE_NAMES[person.role]}",
        reason=reason,
        actor=actor,
        facts=_facts(person),
    )


def ask_for_invitation(email: str, role: str, *, reason: str, actor: Actor) -> Approval:
    """Ask others to agree that somebody is invited; there is no link before.

    Raises:
        ExistsAlready, BadRequest: they could not be invited now anyway. Conflict, ReasonMissing, NotAllowed: as above.
    """
    email = invitations.check_invitable(email, role)
    return approvals.ask(
        INVITE_NAME,
        object_type="staff",
        object_id=email,
        payload={"role": role},
        summary=f"Invite {email} with the role {ROLE_NAMES[role]}",
        reason=reason,
        actor=actor,
    )


def waiting_for(act: str, object_id: str) -> Approval | None:
    """The open request about this person or address."""
    about = select(Approval).where(
        Approval.act == act, Approval.object_type == "staff", Approval.object_id == object_id, Approval.state.in_(OPEN)
    )
    found: Approval | None = db.session.scalar(about)
    return found


def is_needed(act: str) -> bool:
    return policies.is_needed(act)


def _give_role(approval: Approval) -> str:
    """The role they have now has to be the one that was agreed about, and none of the words their own."""
    staff_id, before, after = UUID(approval.object_id), approval.payload["from"], approval.payload["to"]
    if any(vote.staff_id == staff_id and vote.verdict == APPROVE for vote in approval.votes):
        raise DomainError("Who gets the role agreed to it themselves. Nothing was done; have somebody else agree.")
    found = operations.give_role(staff_id, after)
    person = db.session.get_one(Staff, staff_id)
    if found != before:
        raise DomainError(f"The role is {ROLE_NAMES[found]} meanwhile. Nothing was done; ask for it again.")
    if not person.is_active:
        raise DomainError(f"The access of {person.email} has ended meanwhile. Nothing was done.")
    actor = Actor("staff", approval.asked_by)
    trail.record(actor, "staff.role_changed", "staff", person.email, before={"role": before}, after={"role": after})
    return f"{person.email} has the role {ROLE_NAMES[after]} now."


def _invite(approval: Approval) -> str:
    """Whether somebody with this address came in another way is looked at again."""
    way = post()
    invitations.invite_within(
        approval.object_id, role=approval.payload["role"], post=way, actor=Actor("staff", approval.asked_by)
    )
    if way.account_id is not None:
        return "Invited; a mail with the link is on its way."
    return "Invited. No mail leaves this house: the link is made on the page of the invitation."


def _facts_now(approval: Approval) -> Mapping[str, str]:
    person = db.session.get(Staff, UUID(approval.object_id))
    return _facts(person) if person else {}


def _facts(person: Staff) -> dict[str, str]:
    return {"Role": ROLE_NAMES[person.role], "Access": "Active" if person.is_active else "Ended"}


ROLE = Act(
    name=ROLE_NAME,
    label="Give somebody another role",
    ask=Permission.STAFF_MANAGE,
    approve=Permission.STAFF_MANAGE,
    execute=_give_role,
    in_transaction=True,
    facts=_facts_now,
    url=lambda approval: url_for("staff.details", staff_id=approval.object_id),
)

INVITE = Act(
    name=INVITE_NAME,
    label="Invite somebody",
    ask=Permission.STAFF_MANAGE,
    approve=Permission.STAFF_MANAGE,
    execute=_invite,
    in_transaction=True,
    url=lambda _approval: url_for("invitations.index_view"),
)

ACTS = (ROLE, INVITE)
