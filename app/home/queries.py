"""What waits for somebody: counts that stop early, so that a bad day does not make a slow page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, select
from sqlalchemy.orm import defer

from app.database import Base, db
from app.models import held
from app.models.act import REQUESTED, Act
from app.models.charge import Charge
from app.models.debit_stop import DebitStop
from app.models.dispute import Dispute
from app.models.early_fraud_warning import EarlyFraudWarning
from app.models.refund import Refund
from app.models.review import Review
from app.models.webhook_event import WebhookEvent
from app.web.accounts import current_account_id

# A piece of the one question that this page asks about all that waits.
Part = ScalarSelect[Any]
# Beyond this a number says no more than "many".
MANY = 100
NEWEST = 8

_CHARGEBACK = ("needs_response", "appeal_needs_response")
_INQUIRY = ("warning_needs_response",)


def answered(parts: Mapping[str, Part]) -> Mapping[str, Any]:
    """The value of each part by its name; one question for all of them."""
    if not parts:
        return {}
    row = db.session.execute(select(*(part.label(name) for name, part in parts.items()))).one()
    return row._asdict()


def disputes() -> dict[str, Part]:
    """How many chargebacks and inquiries wait for our answer, and when the first of each is due."""
    return {
        "chargebacks": _few(Dispute, _waits(_CHARGEBACK)),
        "chargeback_due": _first_due(_CHARGEBACK),
        "inquiries": _few(Dispute, _waits(_INQUIRY)),
        "inquiry_due": _first_due(_INQUIRY),
    }


def refunds(*, failed_since: datetime) -> dict[str, Part]:
    """Those that failed lately, and those that are being checked or wait for a person."""
    return {
        "refunds_failed": _few(Refund, and_(Refund.status == "failed", Refund.created_at >= failed_since)),
        "refunds_checked": _few(Refund, Refund.status == "requested"),
    }


def events(*, stuck_since: datetime) -> dict[str, Part]:
    """Dead ones, and those that have waited since before this instant."""
    late = and_(WebhookEvent.state == "waiting", WebhookEvent.received_at < stuck_since)
    return {"events_dead": _few(WebhookEvent, WebhookEvent.state == "dead"), "events_late": _few(WebhookEvent, late)}


def acts() -> dict[str, Part]:
    """Those that Stripe shows no trace of, and that are too old to be asked for again."""
    return {"acts": _few(Act, and_(Act.status == REQUESTED, Act.refusal.is_not(None)))}


def debit_stops() -> dict[str, Part]:
    """Stopped debits that nobody has seen to."""
    return {"debit_stops": _few(DebitStop, DebitStop.to_work())}


def fraud_warnings() -> dict[str, Part]:
    """Those that nobody has decided about."""
    return {"fraud_warnings": _few(EarlyFraudWarning, EarlyFraudWarning.to_work())}


def reviews() -> dict[str, Part]:
    return {"reviews": _few(Review, Review.open.is_(True))}


def holds(*, ending_before: datetime) -> dict[str, Part]:
    """Authorised payments whose money goes back by itself before this instant."""
    few = held.ending(current_account_id(), ending_before).with_only_columns(Charge.id).limit(MANY).subquery()
    return {"holds": select(func.count()).select_from(few).scalar_subquery()}


def newest_payments() -> Sequence[Charge]:
    found = select(Charge).where(Charge.account_id == current_account_id()).options(defer(Charge.raw, raiseload=True))
    return db.session.scalars(found.order_by(Charge.created_at.desc(), Charge.id.desc()).limit(NEWEST)).all()


def _waits(statuses: tuple[str, ...]) -> ColumnElement[bool]:
    return and_(Dispute.status.in_(statuses), Dispute.due_at.is_not(None))


def _first_due(statuses: tuple[str, ...]) -> Part:
    mine = and_(_waits(statuses), Dispute.account_id == current_account_id())
    return select(func.min(Dispute.due_at)).where(mine).scalar_subquery()


def _few(model: type[Base], condition: ColumnElement[bool]) -> Part:
    mine = model.account_id == current_account_id()  # type: ignore[attr-defined]
    few = select(model.__table__.c.id).where(mine, condition).limit(MANY).subquery()
    return select(func.count()).select_from(few).scalar_subquery()
