"""Who works here, and where they are signed in."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app import clock
from app.database import db
from app.errors import Unknown
from app.models.staff import Staff, StaffSession
from app.web.tokens import IDLE


def everybody() -> Sequence[Staff]:
    return db.session.execute(select(Staff).order_by(Staff.email)).scalars().all()


def by_email(email: str) -> Staff:
    """The person with this address.

    Raises:
        Unknown: nobody has it.
    """
    person = db.session.execute(select(Staff).where(Staff.email == email)).scalar_one_or_none()
    if person is None:
        raise Unknown(f"Nobody here has the address {email}.")
    return person


def live_sessions(staff_id: UUID) -> Sequence[StaffSession]:
    """Where this person is signed in at this moment, the one used last first."""
    now = clock.now()
    alive = (
        select(StaffSession)
        .where(
            StaffSession.staff_id == staff_id,
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now,
            StaffSession.last_seen_at > now - IDLE,
        )
        .order_by(StaffSession.last_seen_at.desc())
        .limit(50)
    )
    return db.session.execute(alive).unique().scalars().all()
