"""Who comes in by single sign-on, and as what."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, DomainError
from app.models.staff import Staff
from app.sso_settings import SingleSignOn
from app.staff import operations, sign_in
from app.staff.entering import Visitor
from app.staff.sign_in import Entry

PROVED_BY = "single sign-on"
_LONGEST_NAME = 100


class NotForThem(DomainError):
    """The provider says who they are, but there is no place for them here."""

    status = 403


@dataclass(frozen=True, slots=True)
class Identity:
    """What was vouched for. subject: "issuer|sub", which never changes hands. strong: more than one factor was asked there."""

    subject: str
    email: str
    name: str
    groups: frozenset[str]
    strong: bool

    @classmethod
    def read(cls, claims: dict[str, Any], sso: SingleSignOn) -> "Identity":
        """
        Raises:
            NotForThem: there is no e-mail address that the provider stands for.
        """
        try:
            email = operations.checked_email(str(claims.get("email") or ""))
        except BadRequest as error:
            raise NotForThem("The identity provider does not say your e-mail address.") from error
        # Some providers never say it; one that says no has not looked.
        if claims.get("email_verified", True) not in {True, "true"}:
            raise NotForThem("The identity provider has not checked your e-mail address.")
        groups = claims.get(sso.groups_claim) or []
        methods = claims.get("amr") or []
        return cls(
            subject=f"{sso.issuer}|{claims['sub']}",
            email=email,
            name=" ".join(str(claims.get("name") or "").replace("\0", "").split())[:_LONGEST_NAME],
            groups=frozenset(str(group) for group in ([groups] if isinstance(groups, str) else groups)),
            # RFC 8176: multiple factors were used.
            strong="mfa" in methods,
        )


def come_in(who: Identity, sso: SingleSignOn, *, visitor: Visitor, old_token: str | None) -> Entry:
    """A session for whoever was vouched for, or the step that asks for the second factor they have here.

    Raises:
        NotForThem: unknown, ended, or in no group that has a role here; nothing changed.
        WrongNetwork: they may not come from here.
    """
    role = _role(who, sso)
    try:
        with transaction():
            person = _known(who) or _added(who, role, sso, visitor)
            _settle(person, who, role, visitor)
    except IntegrityError as error:
        raise NotForThem("You came in twice at this very moment. Try again.") from error
    sign_in.check_network(person, visitor)
    with transaction():
        person = sign_in.still_here(person.id)
        return sign_in.come_in(person, visitor=visitor, old_token=old_token, proved_by=PROVED_BY, second=who.strong)


def prove(who: Identity, session_id: bytes, *, visitor: Visitor) -> None:
    """The same person, asked again by the provider just now.

    Raises:
        NotForThem: it was somebody else, or they have a second factor here, which is asked for instead.
    """
    with transaction():
        person = db.session.scalar(select(Staff).where(Staff.sso_subject == who.subject))
        if person is None:
            raise NotForThem("This is not the person who is signed in here.")
        sign_in.prove_by(person.id, session_id, visitor=visitor, by=PROVED_BY, strong=who.strong)


def _role(who: Identity, sso: SingleSignOn) -> str | None:
    """What the groups say; None where roles are given in this program."""
    if not sso.roles:
        return None
    role = sso.role_of(who.groups)
    if role is None:
        raise NotForThem("None of your groups has a role here. An admin of the identity provider can add you to one.")
    return role


def _known(who: Identity) -> Staff | None:
    """By the subject; by the address only who never came in this way before, for an address may change hands."""
    rows = select(Staff).where(or_(Staff.sso_subject == who.subject, Staff.email == who.email)).with_for_update()
    found = list(db.session.scalars(rows.execution_options(populate_existing=True)))
    mine = next((person for person in found if person.sso_subject == who.subject), None)
    person = mine or next(iter(found), None)
    if person is not None and person.sso_subject not in {None, who.subject}:
        raise NotForThem("This e-mail address belongs to somebody else here. An admin can look into it.")
    if person is not None and not person.is_active:
        raise NotForThem("Your access here has ended. An admin can restore it.")
    return person


def _added(who: Identity, role: str | None, sso: SingleSignOn, visitor: Visitor) -> Staff:
    if not sso.creates or role is None:
        raise NotForThem("Nobody with your address works here. An admin can invite you.")
    name = who.name or who.email.partition("@")[0].replace(".", " ").title()
    person = Staff(email=who.email, name=name, role=role, sso_subject=who.subject, created_at=clock.now())
    db.session.add(person)
    db.session.flush()
    trail.record(_provider(visitor), "staff.added", "staff", who.email, after={"role": role, "name": name})
    return person


def _settle(person: Staff, who: Identity, role: str | None, visitor: Visitor) -> None:
    """What the provider says now holds: whose account it is, and the role."""
    if person.sso_subject is None:
        person.sso_subject = who.subject
        trail.record(_provider(visitor), "staff.sso_linked", "staff", person.email)
    if role is not None and role != person.role:
        before = operations.give_role(person.id, role)
        trail.record(
            _provider(visitor),
            "staff.role_changed",
            "staff",
            person.email,
            before={"role": before},
            after={"role": role},
        )


def _provider(visitor: Visitor) -> Actor:
    return Actor("job", PROVED_BY, ip=visitor.ip, request_id=visitor.request_id)
