"""Forgetting: sessions and tries that no longer say anything."""

from datetime import timedelta

from sqlalchemy import delete, or_

from app import clock
from app.database import db, transaction
from app.models.known_device import KnownDevice
from app.models.sign_in_step import SignInStep
from app.models.staff import SignInAttempt, StaffSession
from app.web.tokens import DEVICE

# The audit trail keeps who came in and when; these tables are for the machinery.
KEEP = timedelta(days=30)


def forget_old() -> int:
    """Remove sessions that ended and tries that were made more than thirty days ago, and browsers that nobody used for long;
    answers how many."""
    before = clock.now() - KEEP
    with transaction():
        tries = db.session.execute(
            delete(SignInAttempt).where(SignInAttempt.at < before).returning(SignInAttempt.id)
        ).all()
        sessions = db.session.execute(
            delete(StaffSession)
            .where(or_(StaffSession.ended_at < before, StaffSession.expires_at < before))
            .returning(StaffSession.id)
        ).all()
        steps = db.session.execute(
            delete(SignInStep).where(SignInStep.expires_at < clock.now()).returning(SignInStep.id)
        ).all()
        places = db.session.execute(
            delete(KnownDevice).where(KnownDevice.last_used_at < clock.now() - DEVICE).returning(KnownDevice.id)
        ).all()
    return len(places) + len(tries) + len(sessions) + len(steps)
