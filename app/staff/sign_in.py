"""Coming in, proving it again, and going out."""

from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import DomainError, Unknown
from app.models.staff import Staff, StaffSession
from app.staff import entering, passwords, steps, throttle
from app.staff.entering import Visitor, actor_of, end
from app.staff.factors.operations import WrongCode, accepts
from app.staff.factors.queries import factors_of
from app.web import networks
from app.web.sealing import Seal

WRONG_CODE = "This code is wrong, or it was used before. Wait for the next one your app shows."
WRONG = "The e-mail address or the password is wrong."
_LONGEST_EMAIL = 254
_ANY_ROLE = "view_only"
_ELSEWHERE = "elsewhere "


class WrongPassword(DomainError):
    """The address is unknown, the password wrong or the access ended; which of them is nobody's business."""

    status = 401


class WrongNetwork(DomainError):
    """Who they are is proved, but they may not come from here."""

    status = 403


class StepOver(DomainError):
    """The first half of a sign-in is too long ago, or was used."""

    status = 401


@dataclass(frozen=True, slots=True)
class Entry:
    """token: of a session, or, when `halfway`, of the step that still asks for a second factor."""

    token: str
    halfway: bool = False


def sign_in(email: str, password: str, *, visitor: Visitor, old_token: str | None = None) -> Entry:
    """Check the password; begin a session, or ask for the second factor where there is one.

    `old_token`: the session this browser had before; it ends, so that nobody who planted a cookie comes in with it.

    Raises:
        TooManyTries: nothing was checked.
        WrongPassword: the same sentence, after the same work, whatever was wrong; also from a network they may not come from,
            where nobody is told whether the password is right.
    """
    email = _as_typed(email)
    person = _somebody(email)
    # Asked for an unknown address as well, so that time tells nothing.
    at_home = networks.allows(person.role if person else _ANY_ROLE, visitor.ip)
    if person is not None and not at_home:
        _turn_away(person, password, visitor)
    attempt = throttle.let_through(email, visitor.ip)
    if not passwords.matches(password, person.password_hash if person else None) or person is None:
        if person is not None:
            _note_failure(person, visitor, "staff.sign_in_failed")
        raise WrongPassword(WRONG)
    with transaction():
        throttle.forgive(attempt)
        person = still_here(person.id)
        if passwords.is_outdated(person.password_hash or ""):
            person.password_hash = passwords.rehashed(password)
        return come_in(person, visitor=visitor, old_token=old_token, proved_by="a password")


def come_in(person: Staff, *, visitor: Visitor, old_token: str | None, proved_by: str, second: bool = False) -> Entry:
    """In the caller's transaction: what follows when somebody proved who they are, by a password or a single sign-on.

    second: what they proved it by was more than one factor.
    """
    if not second and factors_of(person.id).any:
        return Entry(steps.begin("second_factor", staff_id=person.id, data={"first": proved_by}), halfway=True)
    token = entering.enter(person, visitor=visitor, old_token=old_token, proved_by=[proved_by], second=second)
    return Entry(token)


def finish(step_token: str, code: str, *, visitor: Visitor, seal: Seal, old_token: str | None = None) -> str:
    """The second half: a code of the app or a recovery code; answers the token of the session.

    Raises:
        TooManyTries: nothing was checked; codes count together with passwords.
        WrongCode: the step is still there for the next try.
        StepOver: it took too long, or the step was finished already.
    """
    step = steps.look(step_token, "second_factor")
    person = db.session.get(Staff, step.staff_id) if step else None
    if person is None:
        raise StepOver("That took too long. Sign in again.")
    check_network(person, visitor)
    attempt = throttle.let_through(person.email, visitor.ip)
    with transaction():
        person = still_here(person.id)
        if used := accepts(person.id, code, seal=seal):
            step = steps.take(step_token, "second_factor")
            if step is None:
                raise StepOver("That took too long. Sign in again.")
            throttle.forgive(attempt)
            by = [step.data["first"], used]
            return entering.enter(person, visitor=visitor, old_token=old_token, proved_by=by, second=True)
    _note_failure(person, visitor, "staff.code_failed")
    raise WrongCode(WRONG_CODE)


def _turn_away(person: Staff, password: str, visitor: Visitor) -> NoReturn:
    """From a network they may not come from. Tries are counted apart, right or wrong: none locks them out where they may."""
    throttle.let_through(f"{_ELSEWHERE}{person.email}", visitor.ip)
    passwords.matches(password, None)
    _note_failure(person, visitor, "staff.network_refused")
    raise WrongPassword(WRONG)


def check_network(person: Staff, visitor: Visitor) -> None:
    """Asked only after they proved who they are by something else than a password.

    Raises:
        WrongNetwork: their role may not come from here; it is written down.
    """
    if not networks.allows(person.role, visitor.ip):
        _note_failure(person, visitor, "staff.network_refused")
        raise WrongNetwork("You may not sign in from this network. An admin can allow it.")


def prove(session_id: bytes, *, password: str, code: str, visitor: Visitor, seal: Seal) -> None:
    """Prove it again before an act that matters; guesses count like those at the door.

    Who has a second factor gives a code; the password is no way round it.

    Raises:
        TooManyTries, WrongPassword, WrongCode: as above.
    """
    found = db.session.get(StaffSession, session_id)
    if found is None:
        raise WrongPassword("Sign in again.")
    person = found.staff
    attempt = throttle.let_through(person.email, visitor.ip)
    by_code = factors_of(person.id).any
    if not by_code and not passwords.matches(password, person.password_hash):
        _note_failure(person, visitor, "staff.sign_in_failed")
        raise WrongPassword("The password is wrong.")
    with transaction():
        used = accepts(person.id, code, seal=seal) if by_code else "a password"
        if used:
            throttle.forgive(attempt)
            proved(person, session_id, visitor=visitor, by=used, second=by_code)
            return
    _note_failure(person, visitor, "staff.code_failed")
    raise WrongCode(WRONG_CODE)


def prove_by(staff_id: UUID, session_id: bytes, *, visitor: Visitor, by: str, strong: bool) -> None:
    """In the caller's transaction: somebody else vouches for the person of this session. Who has a second factor gives it here.

    strong: more than one factor was asked for there.

    Raises:
        WrongPassword: the session is another person's. WrongCode: their second factor is asked for.
    """
    session = db.session.get(StaffSession, session_id)
    if session is None or session.staff_id != staff_id or session.ended_at is not None:
        raise WrongPassword("This is not the person who is signed in here.")
    if not strong and factors_of(staff_id).any:
        raise WrongCode("You have a second factor here: prove it with that.")
    proved(session.staff, session_id, visitor=visitor, by=by, second=strong)


def proved(person: Staff, session_id: bytes, *, visitor: Visitor, by: str, second: bool) -> None:
    """In the caller's transaction: this session's person proved again who they are."""
    now = clock.now()
    session = db.session.get_one(StaffSession, session_id)
    session.proved_at = now
    if second:
        session.second_factor_at = now
    trail.record(actor_of(person, visitor), "staff.proved", "staff", person.email, after={"with": by})


def sign_out(session_id: bytes, *, actor: Actor) -> None:
    """End this session; its cookie is worth nothing from now on, wherever a copy of it is."""
    with transaction():
        if end(session_id):
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
                end(session.id)
                trail.record(actor, "staff.session_ended", "staff", session.staff.email)
                return
    raise Unknown("This session has ended already.")


def public_name(session_id: bytes) -> str:
    """A name for a session that may stand in a page: half of its id, which is itself only a digest."""
    return session_id[:16].hex()


def still_here(staff_id: UUID) -> Staff:
    """In the caller's transaction: the row, locked and read anew: their access may have ended since the password was looked at."""
    person = db.session.get_one(Staff, staff_id, with_for_update=True, populate_existing=True)
    if not person.is_active:
        raise WrongPassword("The e-mail address or the password is wrong.")
    return person


def _somebody(email: str) -> Staff | None:
    """The person with this address who may come in."""
    return db.session.execute(
        select(Staff).where(Staff.email == email, Staff.deactivated_at.is_(None))
    ).scalar_one_or_none()


def _note_failure(person: Staff, visitor: Visitor, action: str) -> None:
    """Only for addresses that exist: an outsider must not be able to fill the trail with inventions."""
    email = person.email
    with transaction():
        trail.record(actor_of(person, visitor), action, "staff", email)


def _as_typed(email: str) -> str:
    """What is counted and looked up. What is no address is not kept: people type their password into the wrong field."""
    email = email.strip().lower()[:_LONGEST_EMAIL].replace("\0", "")
    return email if "@" in email else "(no address)"
