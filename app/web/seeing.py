"""Looking through another role: only what that role sees, and nothing can be changed. It ends by itself."""

from datetime import timedelta

from flask import current_app, g, session
from sqlalchemy import update

from app.actor import Actor
from app.database import db, transaction
from app.models.staff import StaffSession
from app.web.permissions import ROLE_NAMES
from app.web.witness import Record

LASTS = timedelta(minutes=30)


def stop(session_id: bytes, *, actor: Actor, why: str) -> str | None:
    """Be oneself again; the role that was looked through, None when that was over already. It is put on record once."""
    record: Record = current_app.extensions["witness"]
    seeing = update(StaffSession).where(StaffSession.id == session_id, StaffSession.seen_as.is_not(None))
    old = db.session.query(StaffSession.seen_as).filter(StaffSession.id == session_id).with_for_update(of=StaffSession)
    with transaction():
        role: str | None = old.scalar()
        if role is not None:
            db.session.execute(seeing.values(seen_as=None, seen_as_until=None))
            record(actor, "staff.seen_as_ended", "role", role, after={"role": ROLE_NAMES[role], "why": why})
    forget_forms()
    return role


def forget_forms() -> None:
    """What stands open in other tabs was made for somebody who may other things: none of those forms works any more."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
