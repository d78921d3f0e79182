"""Coming in, proving it again, and going out."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import DomainError, Unknown
from app.models.staff import Staff, StaffSession
from app.staff import passwords, throttle
from app.web.tokens import ABSOLUTE, digest, new_token

_LONGEST_EMAIL = 254
_LONGEST_AGENT = 300


class WrongPassword(DomainError):
    """The address is unknown, the password wrong or the access ended; which of them is nobody's business."""

    status = 401


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is not signed in. `ip` is the peer's address, or what a trusted proxy says it is."""

    ip: str
    agent: str
    request_id: str | None = None


def sign_in(email: str, password: str, *, visitor: Visitor, old_token: str | None = None) -> str:
    """Check the password and begin a session; answers the token for the browser's cookie.

    `old_token`: the session this browser had before; it ends, so that nobody who planted a cookie comes in with it.

    Raises:
        TooManyTries: nothing was checked.
        WrongPassword: the same sentence, after the same work, whatever was wrong.
    """
    email = _as_typed(email)
    attempt = throttle.let_through(email, visitor.ip)
    person = _somebody(email)
    if not passwords.matches(password, person.password_hash if person else None) or person is None:
        if person is not None:
            _note_failure(person, visitor)
        raise WrongPassword("The e-mail address or the password is wrong.")
    return _begin(person.id, password, visitor=visitor, attempt=attempt, old_token=old_token)


def prove(session_id: bytes, password: str, *, visitor: Visitor) -> None:
    """Give the password again before an act that matters; guesses count like those at the door.

    Raises:
        TooManyTries, WrongPassword: as above.
    """
    found = db.session.get(StaffSession, session_id)
    if found is None:
        raise WrongPassword("Sign in again.")
    person = found.staff
    attempt = throttle.let_through(person.email, visitor.ip)
    if not passwords.matches(password, person.password_hash):
        _note_failure(person, visitor)
        raise WrongPassword("The password is wrong.")
    with transaction():
        throttle.forgive(attempt)
        db.session.get_one(StaffSession, session_id).proved_at = clock.now()
        trail.record(_actor(person, visitor), "staff.proved", "staff", person.email)


def sign_out(session_id: bytes, *, actor: Actor) -> None:
    """End this session; its cookie is worth nothing from now on, wherever a copy of it is."""
    with transaction():
        if _end(session_id):
            trail.record(actor, "staff.signed_out", "staff", actor.name)


def end_session(public_id: str, *, staff_id: UUID, actor: Actor) -> None:
    """End one of one's own sessions in another browser, named by the first half of its id in hex.

    Raises:
        Unknown: no live session of this person has that id.
    """
    with transaction():
        mine = select(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
        for session in db.session.execute(mine).unique().scalars():
            if public_name(session.id) == public_id:
                _end(session.id)
                trail.record(actor, "staff.session_ended", "staff", session.staff.email)
                return
    raise Unknown("This session has ended already.")


def public_name(session_id: bytes) -> str:
    """A name for a session that may stand in a page: half of its id, which is itself only a digest."""
    return session_id[:16].hex()


def _begin(staff_id: UUID, password: str, *, visitor: Visitor, attempt: throttle.Try, old_token: str | None) -> str:
    token = new_token()
    now = clock.now()
    with transaction():
        person = db.session.get_one(Staff, staff_id, with_for_update=True)
        if not person.is_active:
            raise WrongPassword("The e-mail address or the password is wrong.")
        if passwords.is_outdated(person.password_hash):
            person.password_hash = passwords.rehashed(password)
        if old_token:
            _end(digest(old_token))
        throttle.forgive(attempt)
        person.last_sign_in_at = now
        db.session.add(
            StaffSession(
                id=digest(token),
                staff_id=person.id,
                created_at=now,
                last_seen_at=now,
                proved_at=now,
                expires_at=now + ABSOLUTE,
                ip=visitor.ip,
                user_agent=visitor.agent[:_LONGEST_AGENT],
            )
        )
        trail.record(_actor(person, visitor), "staff.signed_in", "staff", person.email)
    return token


def _somebody(email: str) -> Staff | None:
    """The person with this address who may come in."""
    return db.session.execute(
        select(Staff).where(Staff.email == email, Staff.deactivated_at.is_(None))
    ).scalar_one_or_none()


def _note_failure(person: Staff, visitor: Visitor) -> None:
    """Only for addresses that exist: an outsider must not be able to fill the trail with inventions."""
    email = person.email
    with transaction():
        trail.record(_actor(person, visitor), "staff.sign_in_failed", "staff", email)


def _end(session_id: bytes) -> bool:
    ended = db.session.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
        .values(ended_at=clock.now())
        .returning(StaffSession.id)
    )
    return ended.first() is not None


def _actor(person: Staff, visitor: Visitor) -> Actor:
    return Actor("staff", person.email, ip=visitor.ip, request_id=visitor.request_id)


def _as_typed(email: str) -> str:
    """What is counted and looked up. What is no address is not kept: people type their password into the wrong field."""
    email = email.strip().lower()[:_LONGEST_EMAIL].replace("\0", "")
    return email if "@" in email else "(no address)"
