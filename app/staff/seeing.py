"""Beginning to look through another role."""

from datetime import datetime

from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict
from app.logs import redact
from app.models.staff import StaffSession
from app.staff.operations import checked_role
from app.web.permissions import ROLE_NAMES
from app.web.seeing import LASTS

SHORTEST, LONGEST = 4, 500


def begin(session_id: bytes, *, role: str, reason: str, actor: Actor) -> datetime:
    """From the next page on this session sees what the role sees; until when.

    Raises:
        BadRequest: no such role, one's own, or no reason. Conflict: it looks through one already, or has ended.
    """
    checked_role(role)
    why = redact(" ".join(reason.replace("\0", " ").split()))
    if not SHORTEST <= len(why) <= LONGEST:
        raise BadRequest("Say in a few words why you look: it stands in the audit trail.")
    mine = select(StaffSession).where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
    locked = mine.with_for_update(of=StaffSession).execution_options(populate_existing=True)
    with transaction():
        session = db.session.scalars(locked).one_or_none()
        if session is None:
            raise Conflict("Your session has ended. Sign in again.")
        if session.seen_as is not None:
            raise Conflict("You look through another role already. Stop that first.")
        if session.staff.role == role:
            raise BadRequest("This is your own role: you see what it sees.")
        session.seen_as, session.seen_as_until = role, clock.now() + LASTS
        after = {"role": ROLE_NAMES[role], "until": session.seen_as_until}
        trail.record(actor, "staff.seen_as_begun", "role", role, reason=why, after=after)
        return session.seen_as_until
