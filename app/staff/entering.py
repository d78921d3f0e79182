"""The last step of every way in: a new session, and what is noted about it."""

from dataclasses import dataclass

from sqlalchemy import update

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db
from app.models.staff import Staff, StaffSession
from app.staff import devices
from app.web.tokens import ABSOLUTE, digest, new_token

_LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is not signed in. `ip` is the peer's address, or what a trusted proxy says it is.

    device: what their browser was given to be known by, see devices.py; None where there is no browser.
    """

    ip: str
    agent: str
    request_id: str | None = None
    device: str | None = None


def enter(person: Staff, *, visitor: Visitor, old_token: str | None, proved_by: list[str], second: bool) -> str:
    """In the caller's transaction, with the person's row locked: begin a session; answers the token for the cookie.

    old_token: the session this browser had before; it ends, so that nobody who planted a cookie comes in with it.
    proved_by: "a password", "an authenticator app", …, for the trail. second: a second factor was among them.
    """
    token = new_token()
    now = clock.now()
    if old_token:
        end(digest(old_token))
    person.last_sign_in_at = now
    db.session.add(
        StaffSession(
            id=digest(token),
            staff_id=person.id,
            created_at=now,
            last_seen_at=now,
            proved_at=now,
            second_factor_at=now if second else None,
            expires_at=now + ABSOLUTE,
            ip=visitor.ip,
            user_agent=visitor.agent[:_LONGEST_AGENT],
        )
    )
    new = devices.note(person, visitor.device, ip=visitor.ip, agent=visitor.agent) if visitor.device else []
    after = {"with": proved_by} | ({"new": new} if new else {})
    trail.record(actor_of(person, visitor), "staff.signed_in", "staff", person.email, after=after)
    return token


def end(session_id: bytes) -> bool:
    """In the caller's transaction: end a session; False when it had ended already."""
    ended = db.session.execute(
        update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
        .values(ended_at=clock.now())
        .returning(StaffSession.id)
    )
    return ended.first() is not None


def actor_of(person: Staff, visitor: Visitor) -> Actor:
    return Actor("staff", person.email, ip=visitor.ip, request_id=visitor.request_id)
