"""One's passkeys: made, renamed, removed."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, Unknown
from app.models.second_factor import Passkey
from app.models.staff import Staff
from app.staff import steps, telling
from app.staff.factors import operations as factors
from app.staff.factors import queries, recovery
from app.staff.passkeys import ceremonies
from app.staff.passkeys.ceremonies import NotBelieved, Site
from app.web.sealing import Seal

MOST = 20
_LONGEST_NAME = 60


def begin(staff_id: UUID, *, session_id: bytes, site: Site) -> tuple[str, str]:
    """What the browser has to bring back, and what it needs to make a passkey, as JSON. Good once, in this session."""
    challenge = ceremonies.new_challenge()
    with transaction():
        person = db.session.get_one(Staff, staff_id)
        known = queries.passkeys_of(staff_id)
        token = steps.begin(
            "new_passkey", staff_id=staff_id, data={"challenge": challenge, "session": session_id.hex()}
        )
        asked = ceremonies.to_make(site, challenge, person=staff_id, email=person.email, name=person.name, known=known)
    return token, asked


def add(  # noqa: PLR0913 - who, where, and the two halves of the ceremony
    staff_id: UUID, token: str, answer: str, *, name: str, session_id: bytes, site: Site, seal: Seal, actor: Actor
) -> list[str]:
    """Keep a new passkey; signing in asks for a second factor from now on. Answers ten recovery codes when it is the first factor.

    Every other browser is signed out, as with every new factor.

    Raises:
        NotBelieved: it took too long, began in another session, or the answer does not fit; nothing changed.
        Conflict: it is here already, or there are too many.
    """
    step = taken(token, "new_passkey", session=session_id)
    if step.staff_id != staff_id:
        raise NotBelieved("This began in another session. Try again.")
    new = ceremonies.made(site, step.data["challenge"], answer)
    try:
        with transaction():
            person = db.session.get_one(Staff, staff_id, with_for_update=True, populate_existing=True)
            first = not queries.factors_of(staff_id).any
            count = select(func.count()).select_from(Passkey).where(Passkey.staff_id == staff_id)
            if db.session.scalar(count) >= MOST:  # type: ignore[operator] # a count is never NULL
                raise Conflict(f"You have {MOST} passkeys. Remove one you do not use any more.")
            passkey = Passkey(
                id=new.credential_id,
                staff_id=staff_id,
                name=checked_name(name),
                public_key=new.credential_public_key,
                sign_count=new.sign_count,
                transports=ceremonies.transports_of(answer),
                synced=new.credential_backed_up,
                created_at=clock.now(),
            )
            db.session.add(passkey)
            db.session.flush()
            codes = recovery.renew(staff_id, seal=seal) if first else []
            factors.settle_in(session_id, staff_id)
            called = f"the passkey “{passkey.name}”"
            trail.record(actor, "factor.added", "staff", person.email, after={"factor": called})
            telling.factor_added(person, called)
    except IntegrityError as error:
        raise Conflict("This passkey is here already.") from error
    return codes


def rename(staff_id: UUID, passkey_id: bytes, name: str, *, actor: Actor) -> None:
    """Call it something else."""
    with transaction():
        person = db.session.get_one(Staff, staff_id, with_for_update=True)
        passkey = _mine(staff_id, passkey_id)
        before, passkey.name = passkey.name, checked_name(name)
        if before != passkey.name:
            trail.record(
                actor,
                "factor.renamed",
                "staff",
                person.email,
                before={"factor": before},
                after={"factor": passkey.name},
            )


def remove(staff_id: UUID, passkey_id: bytes, *, actor: Actor) -> None:
    """It opens nothing from now on.

    Raises:
        FactorNeeded: it is the last factor of somebody whose role needs one.
    """
    with transaction():
        person = db.session.get_one(Staff, staff_id, with_for_update=True)
        passkey = _mine(staff_id, passkey_id)
        called = f"the passkey “{passkey.name}”"
        db.session.delete(passkey)
        factors.without_last_factor(person)
        trail.record(actor, "factor.removed", "staff", person.email, before={"factor": called})
        telling.factor_removed(person, called, by=actor)


def taken(token: str, kind: str, *, session: bytes | None = None) -> steps.Step:
    """The question this browser was asked, which it cannot answer a second time, whatever the answer is worth.

    session: the one in which it has to have been asked.

    Raises:
        NotBelieved: it was answered, is too old, or was asked elsewhere.
    """
    with transaction():
        step = steps.take(token, kind) if token else None
    if step is None or (session is not None and step.data.get("session") != session.hex()):
        raise NotBelieved("That took too long, or was used already. Try again.")
    return step


def checked_name(text: str) -> str:
    """
    Raises:
        BadRequest: there is nothing to call it by.
    """
    name = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST_NAME]
    if not name:
        raise BadRequest("Give the passkey a name, like the device it is in.")
    return name


def _mine(staff_id: UUID, passkey_id: bytes) -> Passkey:
    passkey = db.session.get(Passkey, passkey_id, populate_existing=True)
    if passkey is None or passkey.staff_id != staff_id:
        raise Unknown("You have no such passkey.")
    return passkey
