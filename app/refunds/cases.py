"""Refunds that somebody has to look after: failed ones, those that wait for a person, and those that wait for too long."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict, Unknown
from app.models.refund import REQUESTED, Refund
from app.refunds import reasons

# A bank that has said nothing for this long has to be asked.
LATE_AFTER = 10
_FRIDAY = 4

UNCLOSED = and_(Refund.closed_at.is_(None), Refund.status.in_(("failed", "requested", "pending", "requires_action")))
WAITING = Refund.status.in_(("pending", "requires_action"))


def late(now: datetime | None = None) -> ColumnElement[bool]:
    """Pending for more than ten business days, whatever for; also what an alert asks for."""
    return and_(Refund.closed_at.is_(None), WAITING, Refund.created_at < days_before(now or clock.now(), LATE_AFTER))


def to_look_after() -> ColumnElement[bool]:
    """Those that need a person now."""
    stuck = and_(Refund.status == REQUESTED, Refund.refusal.is_not(None))
    return and_(Refund.closed_at.is_(None), or_(Refund.status == "failed", stuck, late()))


def business_days(since: datetime, until: datetime) -> int:
    """Whole days from Monday to Friday between two instants (UTC); holidays are not known here."""
    whole = (until - since).days
    weeks, rest = divmod(max(whole, 0), 7)
    tail = (since + timedelta(days=weeks * 7 + n) for n in range(1, rest + 1))
    return weeks * 5 + sum(day.weekday() <= _FRIDAY for day in tail)


def days_before(now: datetime, days: int) -> datetime:
    """The instant that lies so many business days back."""
    at = now
    while days:
        at -= timedelta(days=1)
        days -= at.weekday() <= _FRIDAY
    return at


def close(refund_id: UUID, *, reason_text: str, actor: Actor) -> Refund:
    """A person looked after a failed refund, and says what came of it. It leaves the queue; its state stays Stripe's.

    Raises:
        Conflict: it has not failed, or somebody closed it before.
    """
    words = reasons.in_words(reason_text)
    with transaction():
        found = select(Refund).where(Refund.id == refund_id).with_for_update().execution_options(populate_existing=True)
        refund = db.session.scalar(found)
        if refund is None:
            raise Unknown("There is no such refund.")
        if refund.closed_at:
            raise Conflict(f"{refund.closed_by} has closed this already.")
        if refund.status != "failed":
            raise Conflict("Only a refund that failed is closed by hand.")
        refund.closed_at, refund.closed_by, refund.closed_words = clock.now(), actor.name, words
        db.session.flush()
        trail.record(
            actor,
            "refund.closed",
            "refund",
            str(refund.id),
            account_id=refund.account_id,
            reason=words,
            after={"failure": refund.failure_reason, "amount": str(refund.money)},
        )
    return refund
