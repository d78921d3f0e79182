"""What changes somebody's second factor: one function for each act."""

from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict, DomainError, Unknown
from app.models.second_factor import Authenticator, Passkey
from app.models.staff import Staff, StaffSession
from app.staff import telling
from app.staff.factors import queries, recovery, totp
from app.staff.operations import end_everywhere
from app.web.sealing import Seal


class WrongCode(DomainError):
    """The code is wrong, too old, or was used before."""


class FactorNeeded(Conflict):
    """A role that has to have a second factor would be without one."""


def begin_authenticator(staff_id: UUID, *, seal: Seal, actor: Actor) -> None:
    """Make a new secret for an app; it counts when a first code of it was right. One that counts already is kept.

    Raises:
        Conflict: there is an authenticator app already.
    """
    secret = seal.shut(totp.new_secret(), owner=staff_id)
    fresh = {"secret": secret, "created_at": clock.now(), "confirmed_at": None, "last_step": 0}
    with transaction():
        kept = db.session.execute(
            insert(Authenticator)
            .values(staff_id=staff_id, **fresh)
            .on_conflict_do_update(
                index_elements=[Authenticator.staff_id], set_=fresh, where=Authenticator.confirmed_at.is_(None)
            )
            .returning(Authenticator.staff_id)
        ).first()
        if kept is None:
            raise Conflict("You have an authenticator app already. Remove it first.")
        trail.record(actor, "factor.begun", "staff", actor.name)


def confirm_authenticator(staff_id: UUID, code: str, *, session_id: bytes, seal: Seal, actor: Actor) -> list[str]:
    """From now on signing in asks for a code. Answers ten recovery codes when it is the first factor, and none otherwise.

    Every other browser is signed out: whoever was in there with the password alone is out.

    Raises:
        WrongCode: nothing changed; the next code may be right.
        Conflict: there is nothing to confirm.
    """
    with transaction():
        person = db.session.get_one(Staff, staff_id, with_for_update=True)
        first = not queries.factors_of(staff_id).any
        kept = db.session.get(Authenticator, staff_id, populate_existing=True)
        if kept is None or kept.confirmed_at is not None:
            raise Conflict("There is no new authenticator app to confirm. Start again.")
        step = totp.step_of(seal.open(kept.secret, owner=staff_id), _digits(code))
        if step is None:
            raise WrongCode("This code is wrong. Take the one the app shows now; its clock must be right.")
        kept.confirmed_at = clock.now()
        kept.last_step = step
        codes = recovery.renew(staff_id, seal=seal) if first else []
        settle_in(session_id, staff_id)
        trail.record(actor, "factor.added", "staff", person.email, after={"factor": "an authenticator app"})
        telling.factor_added(person, "an authenticator app")
    return codes


def remove_authenticator(staff_id: UUID, *, actor: Actor) -> None:
    """The app's codes are worthless from now on."""
    with transaction():
        person = db.session.get_one(Staff, staff_id, with_for_update=True)
        gone = db.session.execute(
            delete(Authenticator).where(Authenticator.staff_id == staff_id).returning(Authenticator.staff_id)
        ).first()
        if gone is None:
            raise Unknown("There is no authenticator app.")
        without_last_factor(person)
        trail.record(actor, "factor.removed", "staff", person.email, before={"factor": "the authenticator app"})
        telling.factor_removed(person, "the authenticator app", by=actor)


def renew_codes(staff_id: UUID, *, seal: Seal, actor: Actor) -> list[str]:
    """Ten new recovery codes; the earlier ones are worthless.

    Raises:
        Conflict: there is no second factor whose loss they would help with.
    """
    with transaction():
        person = db.session.get_one(Staff, staff_id, with_for_update=True)
        if not queries.factors_of(staff_id).any:
            raise Conflict("Recovery codes come with a second factor. Add one first.")
        codes = recovery.renew(staff_id, seal=seal)
        trail.record(actor, "factor.codes_renewed", "staff", person.email)
    return codes


def remove_all(staff_id: UUID, *, actor: Actor) -> None:
    """For somebody who lost everything: the password alone lets them in, and they are signed out everywhere."""
    with transaction():
        person = db.session.get(Staff, staff_id, with_for_update=True)
        if person is None:
            raise Unknown("Nobody like that works here.")
        for table in (Authenticator, Passkey):
            db.session.execute(delete(table).where(table.staff_id == staff_id))
        recovery.forget(staff_id)
        end_everywhere(staff_id)
        trail.record(actor, "factor.all_removed", "staff", person.email)
        telling.factor_removed(person, "every second factor", by=actor)


def accepts(staff_id: UUID, code: str, *, seal: Seal) -> str | None:
    """In the caller's transaction: which factor this code is of, in words, and use it up; None when it is of none.

    A code of the app is refused when it, or a later one, was used before: the row remembers, whichever process asks.
    """
    plain = _digits(code)
    kept = queries.authenticator_of(staff_id)
    if kept is not None and kept.confirmed_at is not None and plain.isdigit():
        step = totp.step_of(seal.open(kept.secret, owner=staff_id), plain)
        if step is None:
            return None
        used = (
            update(Authenticator)
            .where(Authenticator.staff_id == staff_id, Authenticator.last_step < step)
            .values(last_step=step)
            .returning(Authenticator.staff_id)
            .execution_options(synchronize_session=False)
        )
        return "an authenticator app" if db.session.execute(used).first() else None
    if queries.factors_of(staff_id).any and recovery.use(staff_id, code, seal=seal):
        return "a recovery code"
    return None


def settle_in(session_id: bytes, staff_id: UUID) -> None:
    """In the caller's transaction: this session has a second factor now; every other one of this person ends."""
    now = clock.now()
    mine = update(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
    db.session.execute(mine.where(StaffSession.id == session_id).values(second_factor_at=now, proved_at=now))
    db.session.execute(mine.where(StaffSession.id != session_id).values(ended_at=now))


def without_last_factor(person: Staff) -> None:
    """In the caller's transaction, after one was removed: without any, the recovery codes go as well.

    Raises:
        FactorNeeded: their role may not be without one.
    """
    db.session.flush()
    if queries.factors_of(person.id).any:
        return
    if queries.is_enforced(person.role):
        raise FactorNeeded(
            "Your role needs a second factor, and this is your last one. Add another before you remove it."
        )
    recovery.forget(person.id)


def _digits(code: str) -> str:
    """Apps show `123 456`."""
    return "".join(code.split())
