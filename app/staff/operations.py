"""What changes who works here: one function for each act."""

import re
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, Unknown
from app.models.invitation import Invitation
from app.models.sign_in_step import SignInStep
from app.models.staff import ROLES, Staff, StaffSession
from app.staff import passwords

_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?", re.ASCII)


class LastAdmin(Conflict):
    """Without an admin nobody could let anybody in again."""


class ExistsAlready(Conflict):
    """Somebody with this e-mail address works here, or used to."""


def add_staff(email: str, *, role: str, password: str, actor: Actor, name: str = "") -> UUID:
    """Let somebody in. The name shown is the part before the @ until a better one is given."""
    email = checked_email(email)
    checked_role(role)
    person = Staff(
        email=email,
        name=name.strip() or email.partition("@")[0].replace(".", " ").title(),
        role=role,
        password_hash=passwords.hashed(password, about=[email, name]),
        created_at=clock.now(),
    )
    try:
        with transaction():
            db.session.add(person)
            db.session.flush()
            trail.record(actor, "staff.added", "staff", email, after={"role": role, "name": person.name})
    except IntegrityError as error:
        raise ExistsAlready(f"{email} is here already.") from error
    return person.id


def change_role(staff_id: UUID, *, role: str, actor: Actor) -> None:
    """Give somebody another role; it holds from their next request on."""
    checked_role(role)
    with transaction():
        before = give_role(staff_id, role)
        if before != role:
            email = db.session.get_one(Staff, staff_id).email
            trail.record(actor, "staff.role_changed", "staff", email, before={"role": before}, after={"role": role})


def give_role(staff_id: UUID, role: str) -> str:
    """In the caller's transaction, and recorded by the caller: another role. Answers the one before.

    Raises:
        LastAdmin: nobody else is one.
    """
    person = _locked(staff_id)
    before = person.role
    if before == "admin" and role != "admin" and person.is_active:
        _check_other_admins(person)
    person.role = role
    return before


def deactivate(staff_id: UUID, *, actor: Actor) -> None:
    """End somebody's access at once, in every browser. Nothing of what they did is lost."""
    with transaction():
        person = _locked(staff_id)
        if not person.is_active:
            return
        if person.role == "admin":
            _check_other_admins(person)
        person.deactivated_at = clock.now()
        end_everywhere(person.id)
        # What they handed out lets nobody in any more, either.
        withdraw_links(or_(Invitation.staff_id == person.id, Invitation.invited_by == person.email))
        trail.record(
            actor, "staff.deactivated", "staff", person.email, before={"active": True}, after={"active": False}
        )


def reactivate(staff_id: UUID, *, actor: Actor) -> None:
    """Let somebody back in, with the password and role they had."""
    with transaction():
        person = _locked(staff_id)
        if person.is_active:
            return
        person.deactivated_at = None
        trail.record(
            actor, "staff.reactivated", "staff", person.email, before={"active": False}, after={"active": True}
        )


def set_password(email: str, *, password: str, actor: Actor) -> None:
    """Replace a forgotten password; whoever is signed in with the old one is signed out."""
    new = passwords.hashed(password, about=[email])
    with transaction():
        person = db.session.execute(
            select(Staff).where(Staff.email == checked_email(email)).with_for_update()
        ).scalar_one_or_none()
        if person is None:
            raise Unknown(f"Nobody here has the address {email}.")
        person.password_hash = new
        end_everywhere(person.id)
        trail.record(actor, "staff.password_set", "staff", person.email)


def end_everywhere(staff_id: UUID) -> None:
    """In the caller's transaction: every session of this person ends, and every sign-in that waits for its second half."""
    db.session.execute(
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
    db.session.execute(delete(SignInStep).where(SignInStep.staff_id == staff_id))


def withdraw_links(which: ColumnElement[bool]) -> None:
    """In the caller's transaction: these links are worthless from now on."""
    db.session.execute(
        update(Invitation)
        .where(which, Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
        .values(withdrawn_at=clock.now())
    )


def checked_email(text: str) -> str:
    """The address as we keep it.

    Raises:
        BadRequest: it is not an e-mail address.
    """
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise BadRequest("This is not an e-mail address.")
    return email


def checked_role(role: str) -> str:
    if role not in ROLES:
        raise BadRequest(f"There is no such role. There are {', '.join(ROLES)}.")
    return role


def _locked(staff_id: UUID) -> Staff:
    """The person, and with them every admin, always in one order: two admins who demote each other queue up here."""
    rows = (
        select(Staff)
        .where(or_(Staff.id == staff_id, Staff.role == "admin"))
        .order_by(Staff.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for person in db.session.execute(rows).scalars().all():
        if person.id == staff_id:
            return person
    raise Unknown("Nobody like that works here.")


def _check_other_admins(person: Staff) -> None:
    others = select(Staff.id).where(Staff.role == "admin", Staff.deactivated_at.is_(None), Staff.id != person.id)
    if db.session.execute(others.limit(1)).first() is None:
        raise LastAdmin(f"{person.email} is the only admin left. Make somebody else an admin first.")
