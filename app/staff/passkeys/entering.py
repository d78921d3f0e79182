"""Passkeys at the door: alone, as a second factor, and to prove again who one is.

No try is counted here: a signature cannot be guessed, and somebody who is locked out by another's guesses still comes in.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update

from app import clock
from app.audit import trail
from app.database import db, transaction
from app.models.second_factor import Passkey
from app.models.staff import Staff
from app.staff import entering, sign_in, steps, telling
from app.staff.entering import Visitor, actor_of
from app.staff.factors import queries
from app.staff.passkeys import ceremonies
from app.staff.passkeys.ceremonies import NotBelieved, Site
from app.staff.passkeys.operations import taken
from app.web.tokens import digest

PROVED_BY = "a passkey"


@dataclass(frozen=True, slots=True)
class Question:
    """token: what the browser brings back with the answer. options: what it needs to ask a passkey, as JSON."""

    token: str
    options: str


def ask_anybody(site: Site) -> Question:
    """For who has typed nothing yet. The device has to ask for its PIN, a finger or a face: it is the only proof."""
    return _ask(site, {}, staff_id=None, verified=True)


def ask_second(half: str, site: Site) -> Question:
    """For who gave the first half.

    Raises:
        StepOver: that is too long ago.
    """
    step = steps.look(half, "second_factor") if half else None
    if step is None or step.staff_id is None:
        raise sign_in.StepOver("That took too long. Sign in again.")
    return _ask(site, {"half": digest(half).hex()}, staff_id=step.staff_id)


def ask_again(staff_id: UUID, session_id: bytes, site: Site) -> Question:
    """For who is signed in and is asked once more."""
    return _ask(site, {"session": session_id.hex()}, staff_id=staff_id)


def come_in(token: str, answer: str, *, visitor: Visitor, site: Site, old_token: str | None) -> str:
    """With nothing but the passkey; answers the token of a session.

    Raises:
        NotBelieved: nobody came in. WrongNetwork: they may not from here.
    """
    step = taken(token, "passkey")
    if step.staff_id is not None:
        raise NotBelieved("The passkey was asked for something else. Try again.")
    person = _person(step, answer, visitor=visitor, site=site, verified=True)
    sign_in.check_network(person, visitor)
    with transaction():
        person = sign_in.still_here(person.id)
        _still_theirs(person.id, answer)
        return entering.enter(person, visitor=visitor, old_token=old_token, proved_by=[PROVED_BY], second=True)


def finish(  # noqa: PLR0913 - two halves, and who brings them
    half: str, token: str, answer: str, *, visitor: Visitor, site: Site, old_token: str | None
) -> str:
    """The second half of a sign-in; answers the token of a session.

    Raises:
        NotBelieved: the first half still waits. StepOver: it does not any more. WrongNetwork: not from here.
    """
    step = taken(token, "passkey")
    if step.data.get("half") != digest(half).hex():
        raise NotBelieved("The passkey was asked for something else. Try again.")
    person = _person(step, answer, visitor=visitor, site=site, verified=False)
    sign_in.check_network(person, visitor)
    with transaction():
        person = sign_in.still_here(person.id)
        _still_theirs(person.id, answer)
        first = steps.take(half, "second_factor")
        if first is None or first.staff_id != person.id:
            raise sign_in.StepOver("That took too long. Sign in again.")
        by = [first.data["first"], PROVED_BY]
        return entering.enter(person, visitor=visitor, old_token=old_token, proved_by=by, second=True)


def prove(session_id: bytes, token: str, answer: str, *, visitor: Visitor, site: Site) -> None:
    """Who is signed in proves again who they are.

    Raises:
        NotBelieved: nothing was proved.
    """
    step = taken(token, "passkey", session=session_id)
    person = _person(step, answer, visitor=visitor, site=site, verified=False)
    with transaction():
        sign_in.prove_by(person.id, session_id, visitor=visitor, by=PROVED_BY, strong=True)


def _ask(site: Site, data: dict[str, str], *, staff_id: UUID | None, verified: bool = False) -> Question:
    challenge = ceremonies.new_challenge()
    with transaction():
        token = steps.begin("passkey", staff_id=staff_id, data={"challenge": challenge} | data)
        known = queries.passkeys_of(staff_id) if staff_id else ()
        options = ceremonies.to_answer(site, challenge, known=known, verified=verified)
    return Question(token, options)


def _person(step: steps.Step, answer: str, *, visitor: Visitor, site: Site, verified: bool) -> Staff:
    """Whose passkey answered; its counter has moved on.

    Raises:
        NotBelieved: unknown, another person's, not right, or a copy; what is right but a copy is told to its owner.
    """
    read = ceremonies.read(answer)
    passkey = db.session.get(Passkey, read.passkey_id, populate_existing=True)
    if passkey is None:
        raise NotBelieved("This passkey opens nothing here. It may have been removed.")
    person = db.session.get_one(Staff, passkey.staff_id)
    try:
        if step.staff_id not in {None, person.id} or read.person not in {None, person.id}:
            raise NotBelieved("This passkey belongs to somebody else.")
        right = ceremonies.believe(site, step.data["challenge"], read, passkey=passkey, verified=verified)
    except NotBelieved:
        with transaction():
            trail.record(actor_of(person, visitor), "staff.passkey_failed", "staff", person.email)
        raise
    if not _counted(passkey.id, right.new_sign_count, synced=right.credential_backed_up):
        with transaction():
            trail.record(
                actor_of(person, visitor), "factor.copied", "staff", person.email, after={"factor": passkey.name}
            )
            telling.factor_copied(person, passkey.name)
        raise NotBelieved("This passkey seems to have been copied: it was not believed. Sign in another way.")
    return person


def _counted(passkey_id: bytes, count: int, *, synced: bool) -> bool:
    """Keep how often it was used by now; False when it was used more often before. Two at once cannot both be the next."""
    later = Passkey.sign_count < count if count else Passkey.sign_count == 0
    moved = (
        update(Passkey)
        .where(Passkey.id == passkey_id, later)
        .values(sign_count=count, synced=synced, last_used_at=clock.now())
        .returning(Passkey.id)
        .execution_options(synchronize_session=False)
    )
    with transaction():
        return db.session.execute(moved).first() is not None


def _still_theirs(staff_id: UUID, answer: str) -> None:
    """With the person's row locked: it was not removed while its answer was looked at."""
    passkey = db.session.get(Passkey, ceremonies.read(answer).passkey_id, populate_existing=True)
    if passkey is None or passkey.staff_id != staff_id:
        raise NotBelieved("This passkey opens nothing here. It may have been removed.")
