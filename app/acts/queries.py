"""What stands around an act: each function is one query."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, select

from app.database import db
from app.models.act import DONE, REFUSED, REQUESTED, WITHDRAWN, Act
from app.models.audit_log import AuditLog

STATES: Mapping[str, str] = {
    "needs_person": "Needs a person",
    "in_flight": "Without Stripe's answer",
    DONE: "Done",
    REFUSED: "Refused",
    WITHDRAWN: "Withdrawn",
}
# The promise and its line in the trail are stamped one after the other.
_A_MOMENT = timedelta(minutes=1)


def in_state(state: str) -> ColumnElement[bool]:
    """A key of STATES as a condition."""
    waits: dict[str, ColumnElement[bool]] = {
        "needs_person": and_(Act.status == REQUESTED, Act.refusal.is_not(None)),
        "in_flight": Act.status == REQUESTED,
    }
    return waits.get(state, Act.status == state)


def trail_of(act: Act) -> list[AuditLog]:
    """The lines of the trail that name this act, newest first."""
    about = and_(AuditLog.object_type == act.object_type, AuditLog.object_id == act.object_id)
    since = AuditLog.at >= act.requested_at - _A_MOMENT
    mine = select(AuditLog).where(about, since, AuditLog.after["act"].astext == str(act.id))
    return list(db.session.scalars(mine.order_by(AuditLog.id.desc()).limit(100)))
