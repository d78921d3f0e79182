"""Links that let somebody choose a password, a first or a new one: good once, for 72 hours, and kept as a hash only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict, DomainError, Unknown
from app.mail import letters, outbox
from app.models.invitation import Invitation
from app.models.sign_in_step import SignInStep
from app.models.staff import Staff
from app.staff import entering, operations, passwords, steps
from app.staff.entering import Visitor
from app.staff.invitations import queries
from app.web import networks
from app.web.tokens import digest, new_token

LASTS = timedelta(hours=72)
# A worker that stood still for longer answers nobody: who asked has asked again since.
ASKED_LASTS = timedelta(hours=1)
AT_ONCE = 500
_LONGEST_NAME = 100


class LinkOver(DomainError):
    """The link was used, withdrawn, is too old, or never was one; which of them is nobody's business."""

    status = 404


class NameMissing(DomainError):
    """A person has to be called something."""


@dataclass(frozen=True, slots=True)
class Post:
    """How a link reaches somebody. domain: where it leads. account_id: whose outbox; None when no mail leaves this house."""

    domain: str
    account_id: int | None = None

    def address(self, token: str) -> str:
        return f"{self.domain}/join/{token}"


def invite(email: str, *, role: str, post: Post, actor: Actor) -> str:
    """Invite somebody; answers the link. A link that this address has not used yet is withdrawn.

    Raises:
        ExistsAlready: somebody with this address works here, or used to. BadRequest: no address, or no such role.
    """
    with _one_at_a_time(email), transaction():
        return invite_within(email, role=role, post=post, actor=actor)


def invite_within(email: str, *, role: str, post: Post, actor: Actor) -> str:
    """The same, in the caller's transaction."""
    email = check_invitable(email, role)
    token, link = _new_link(email, role=role, staff_id=None, by=actor.name)
    _send("staff.invitation", token, link, post)
    trail.record(actor, "staff.invited", "staff", email, after={"role": role, "mailed": post.account_id is not None})
    return post.address(token)


def check_invitable(email: str, role: str) -> str:
    """The address as we keep it.

    Raises:
        ExistsAlready, BadRequest: nobody like that can be invited.
    """
    email = operations.checked_email(email)
    operations.checked_role(role)
    if db.session.scalar(select(Staff.id).where(Staff.email == email)):
        raise operations.ExistsAlready(f"{email} is here already. Change the role or the access on that person's page.")
    return email


def renew(invitation_id: UUID, *, post: Post, actor: Actor) -> str:
    """Another link for this invitation, to hand over where no mail can carry it; the one before is worthless. Answers it.

    Raises:
        Conflict: mails carry links here, or the invitation is over.
    """
    with transaction():
        link = db.session.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)
        if link is None:
            raise Unknown("There is no such link.")
        if link.state != "open" or link.staff_id is not None:
            raise Conflict("This is no open invitation any more. Invite them again.")
        if post.account_id is not None:
            raise Conflict("The link went by mail. To send another, invite them again.")
        token = new_token()
        link.token_hash = digest(token)
        trail.record(actor, "staff.link_renewed", "staff", link.email)
    return post.address(token)


def send_password_link(staff_id: UUID, *, post: Post, actor: Actor) -> str:
    """Let somebody choose a new password; the one they have works until they do. Answers the link.

    Raises:
        Conflict: their access has ended.
    """
    person = db.session.get(Staff, staff_id)
    if person is None:
        raise Unknown("Nobody like that works here.")
    with _one_at_a_time(person.email), transaction():
        person = db.session.get_one(Staff, staff_id, with_for_update=True, populate_existing=True)
        if not person.is_active:
            raise Conflict("Their access has ended. Restore it first.")
        token, link = _new_link(person.email, role=person.role, staff_id=staff_id, by=actor.name)
        _send("staff.password_link", token, link, post)
        mailed = post.account_id is not None
        trail.record(actor, "staff.password_link_sent", "staff", person.email, after={"mailed": mailed})
    return post.address(token)


def forgot(email: str, *, account_id: int, visitor: Visitor) -> None:
    """Write down that somebody asked for a link, whoever has this address: whether it is known here is looked at later, by a job,
    so that nobody who waits for the answer can tell from the time it takes."""
    asked = {"email": email, "ip": visitor.ip, "request_id": visitor.request_id, "account_id": account_id}
    with transaction():
        steps.begin("forgot", data=asked, lasts=ASKED_LASTS)


def answer_forgotten(*, domain: str) -> int:
    """Mail a link to each who asked for one, has a password and works here; of others nothing is left. Returns how many asked."""
    for answered in range(AT_ONCE):
        if not _next_forgotten(domain):
            return answered
    return AT_ONCE


def _next_forgotten(domain: str) -> bool:
    """The one who asked first; False when there is none. The row goes with the transaction that writes the mail, so it is one."""
    first = (
        select(SignInStep)
        .where(SignInStep.kind == "forgot")
        .order_by(SignInStep.expires_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with transaction():
        step = db.session.scalar(first)
        if step is None:
            return False
        db.session.delete(step)
        if step.expires_at > clock.now():
            _mail_forgotten(step.data, domain)
    return True


def _mail_forgotten(asked: dict[str, Any], domain: str) -> None:
    whose = select(Staff).where(Staff.email == asked["email"]).with_for_update()
    person = db.session.scalar(whose.execution_options(populate_existing=True))
    if person is None or not person.is_active or person.password_hash is None:
        return
    token, link = _new_link(person.email, role=person.role, staff_id=person.id, by=person.email)
    _send("staff.password_link", token, link, Post(domain, asked["account_id"]))
    # Who asked is not known: only their address is.
    actor = Actor("staff", person.email, ip=asked["ip"], request_id=asked["request_id"])
    trail.record(actor, "staff.password_link_asked", "staff", person.email)


def withdraw(invitation_id: UUID, *, actor: Actor) -> None:
    """The link is worthless from now on.

    Raises:
        Conflict: it is already.
    """
    with transaction():
        link = db.session.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)
        if link is None:
            raise Unknown("There is no such link.")
        if link.state not in {"open", "expired"}:
            raise Conflict(f"This link is {link.state} already.")
        link.withdrawn_at = clock.now()
        trail.record(actor, "staff.link_withdrawn", "staff", link.email)


def accept(token: str, *, name: str, password: str, visitor: Visitor, old_token: str | None = None) -> str | None:
    """Use a link up: a new person is in, or a person has a new password, and is signed out everywhere.

    Answers the token of a session for somebody new; None for who has to sign in now, with what else they need for it.

    Raises:
        LinkOver: nothing changed. PasswordTooWeak, NameMissing: the link is still good.
    """
    link = queries.open_link(token)
    if link is None:
        raise LinkOver("This link is no longer good. Ask for a new one.")
    name = _checked_name(name) if link.staff_id is None else ""
    kept = passwords.hashed(password, about=[link.email, name])
    try:
        with transaction():
            used = _use_up(token)
            if used.staff_id is not None:
                _replace_password(used, kept, visitor)
                return None
            person = _new_person(used, name, kept, visitor)
            if not networks.allows(person.role, visitor.ip):
                return None
            return entering.enter(
                person, visitor=visitor, old_token=old_token, proved_by=["an invitation"], second=False
            )
    except IntegrityError as error:
        raise LinkOver("Somebody with this address is here already. Sign in instead.") from error


def _new_link(email: str, *, role: str, staff_id: UUID | None, by: str) -> tuple[str, Invitation]:
    now = clock.now()
    operations.withdraw_links(Invitation.email == email)
    token = new_token()
    link = Invitation(
        token_hash=digest(token),
        email=email,
        role=role,
        staff_id=staff_id,
        invited_by=by,
        created_at=now,
        expires_at=now + LASTS,
    )
    db.session.add(link)
    db.session.flush()
    return token, link


@contextmanager
def _one_at_a_time(email: str) -> Iterator[None]:
    """PostgreSQL allows one open link for an address, also when two people make one at once."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"Somebody else made a link for {email} at this very moment.") from error


def _send(kind: str, token: str, link: Invitation, post: Post) -> None:
    if post.account_id is None:
        return
    by = "" if link.invited_by == link.email else link.invited_by
    letter = letters.write(kind, link=post.address(token), by=by, domain=post.domain)
    outbox.post(letter, to=link.email, account_id=post.account_id, by=link.invited_by, dedup=f"link:{link.id}")


def _use_up(token: str) -> Invitation:
    """The link, which nobody gets a second time."""
    now = clock.now()
    taken = (
        update(Invitation)
        .where(Invitation.token_hash == digest(token), Invitation.expires_at > now, *queries.NOT_ENDED)
        .values(accepted_at=now)
        .returning(Invitation)
        .execution_options(populate_existing=True)
    )
    link = db.session.scalars(taken).one_or_none()
    if link is None:
        raise LinkOver("This link is no longer good. Ask for a new one.")
    return link


def _replace_password(link: Invitation, kept: str, visitor: Visitor) -> None:
    person = db.session.get_one(Staff, link.staff_id, with_for_update=True, populate_existing=True)
    if not person.is_active:
        raise LinkOver("This link is no longer good. Ask for a new one.")
    person.password_hash = kept
    operations.end_everywhere(person.id)
    trail.record(entering.actor_of(person, visitor), "staff.password_chosen", "staff", person.email)


def _new_person(link: Invitation, name: str, kept: str, visitor: Visitor) -> Staff:
    person = Staff(email=link.email, name=name, role=link.role, password_hash=kept, created_at=clock.now())
    db.session.add(person)
    db.session.flush()
    trail.record(
        entering.actor_of(person, visitor),
        "staff.joined",
        "staff",
        person.email,
        after={"role": person.role, "name": name, "invited_by": link.invited_by},
    )
    return person


def _checked_name(text: str) -> str:
    name = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST_NAME]
    if not name:
        raise NameMissing("Write your name: it stands beside what you do.")
    return name
