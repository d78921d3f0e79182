"""What waits for somebody: counts that stop early, so that a bad day does not make a slow page."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import defer

from app.database import Base, db
from app.models import held
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.refund import Refund
from app.models.review import Review
from app.models.webhook_event import WebhookEvent
from app.web.accounts import current_account_id

# Beyond this a number says no more than "many".
MANY = 100
NEWEST = 8

_CHARGEBACK = ("needs_response", "appeal_needs_response")
_INQUIRY = "warning_needs_response"


def disputes_to_answer(*, inquiries: bool) -> tuple[int, datetime | None]:
    """How many chargebacks, or inquiries, wait for our answer, and when the first is due."""
    asked = Dispute.status == _INQUIRY if inquiries else Dispute.status.in_(_CHARGEBACK)
    waiting = and_(asked, Dispute.due_at.is_not(None))
    few = select(Dispute.due_at).where(waiting, Dispute.account_id == current_account_id()).order_by(Dispute.due_at)
    soonest = few.limit(MANY).subquery()
    number, first = db.session.execute(select(func.count(), func.min(soonest.c.due_at))).one()
    return number, first


def refunds_failed(since: datetime) -> int:
    return _few(Refund, and_(Refund.status == "failed", Refund.created_at >= since))


def refunds_without_answer() -> int:
    """Those that are being checked or wait for a person."""
    return _few(Refund, Refund.status == "requested")


def events_stuck(before: datetime) -> int:
    """Dead ones, and those that have waited since before this instant."""
    late = and_(WebhookEvent.state == "waiting", WebhookEvent.received_at < before)
    return _few(WebhookEvent, WebhookEvent.state == "dead") + _few(WebhookEvent, late)


def reviews_open() -> int:
    return _few(Review, Review.open.is_(True))


def holds_ending(before: datetime) -> int:
    """Authorised payments whose money goes back by itself before this instant."""
    few = held.ending(current_account_id(), before).with_only_columns(Charge.id).limit(MANY).subquery()
    return db.session.scalar(select(func.count()).select_from(few)) or 0


def newest_payments() -> Sequence[Charge]:
    found = select(Charge).where(Charge.account_id == current_account_id()).options(defer(Charge.raw, raiseload=True))
    return db.session.scalars(found.order_by(Charge.created_at.desc(), Charge.id.desc()).limit(NEWEST)).all()


def _few(model: type[Base], condition: ColumnElement[bool]) -> int:
    mine = model.account_id == current_account_id()  # type: ignore[attr-defined]
    few = select(model.__table__.c.id).where(mine, condition).limit(MANY).subquery()
    return db.session.scalar(select(func.count()).select_from(few)) or 0
