"""What an alert can be about. Read the table; add a line for another.

Each source looks for what is so at this moment; `kinds` are raised by others through `alerts.raise_alert` as they happen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from app.database import db
from app.models.act import Act
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.job_run import JobRun
from app.models.refund import Refund
from app.models.sync_window import SyncRun
from app.models.webhook_endpoint import WebhookEndpoint
from app.models.webhook_event import WebhookEvent
from app.money import MinorUnits, Money
from app.timetable.lines import timetable
from app.timetable.standing import standings

_AT_ONCE = 200
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that somebody should hear of, in words."""

    object_type: str
    object_id: str
    text: str


Look = Callable[[int, datetime], list[Found]]


@dataclass(frozen=True, slots=True)
class Source:
    """`find` looks for them, newest trouble included, at most 200; None: others raise it."""

    name: str
    label: str
    find: Look | None = None


def business_days_before(now: datetime, days: int) -> datetime:
    """The instant so many business days ago; Saturdays and Sundays are none."""
    while days:
        now -= _DAY
        days -= now.weekday() < 5  # noqa: PLR2004 - Monday to Friday
    return now


def _disputes_due(account_id: int, now: datetime) -> list[Found]:
    waits = Dispute.status.in_(("needs_response", "warning_needs_response", "appeal_needs_response"))
    rows = _rows(
        select(Dispute.id, Dispute.amount, Dispute.currency, Dispute.due_at)
        .where(Dispute.account_id == account_id, waits, Dispute.due_at.between(now, now + 3 * _DAY))
        .order_by(Dispute.due_at)
    )
    return [
        Found("dispute", r.id, f"Dispute {r.id} over {_money(r)} must be answered by {_time(r.due_at)}.") for r in rows
    ]


def _failed_refunds(account_id: int, now: datetime) -> list[Found]:
    rows = _rows(
        select(Refund.id, Refund.stripe_id, Refund.amount, Refund.currency)
        .where(Refund.account_id == account_id, Refund.status == "failed", Refund.created_at > now - 7 * _DAY)
        .order_by(Refund.created_at.desc())
    )
    return [
        Found("refund", str(r.id), f"Refund {r.stripe_id or r.id} of {_money(r)} failed: the money did not arrive.")
        for r in rows
    ]


def _old_refunds(account_id: int, now: datetime) -> list[Found]:
    old = Refund.created_at < business_days_before(now, 10)
    rows = _rows(
        select(Refund.id, Refund.stripe_id, Refund.amount, Refund.currency)
        .where(Refund.account_id == account_id, Refund.status == "pending", old)
        .order_by(Refund.created_at)
    )
    return [
        Found("refund", str(r.id), f"Refund {r.stripe_id or r.id} of {_money(r)} is pending for 10 business days.")
        for r in rows
    ]


def _without_answer(account_id: int, _now: datetime) -> list[Found]:
    """Acts and refunds that the recovery handed over to a person."""
    lost = and_(Act.account_id == account_id, Act.status == "requested", Act.refusal.is_not(None))
    acts = _rows(select(Act.id, Act.kind, Act.object_id, Act.requested_by).where(lost).order_by(Act.requested_at))
    stuck = and_(Refund.account_id == account_id, Refund.status == "requested", Refund.refusal.is_not(None))
    refunds = _rows(select(Refund.id, Refund.amount, Refund.currency).where(stuck).order_by(Refund.requested_at))
    return [
        Found("act", str(r.id), f"Stripe shows no trace of {r.kind} of {r.object_id}, asked for by {r.requested_by}.")
        for r in acts
    ] + [Found("refund", str(r.id), f"Stripe shows no trace of refund {r.id} of {_money(r)}.") for r in refunds]


def _holds_ending(account_id: int, now: datetime) -> list[Found]:
    held = and_(Charge.status == "succeeded", Charge.captured.is_(False), Charge.refunded.is_(False))
    rows = _rows(
        select(Charge.id, Charge.amount, Charge.currency, Charge.capture_before)
        .where(Charge.account_id == account_id, held, Charge.capture_before.between(now, now + _DAY))
        .order_by(Charge.capture_before)
    )
    return [
        Found("charge", r.id, f"Payment {r.id}: {_money(r)} is only held until {_time(r.capture_before)}. Capture it.")
        for r in rows
    ]


def _dead_events(account_id: int, now: datetime) -> list[Found]:
    rows = _rows(
        select(WebhookEvent.id, WebhookEvent.type)
        .where(
            WebhookEvent.account_id == account_id,
            WebhookEvent.state == "dead",
            WebhookEvent.received_at > now - 7 * _DAY,
        )
        .order_by(WebhookEvent.received_at.desc())
    )
    return [Found("webhook_event", r.id, f"Event {r.id} ({r.type}) could not be understood and is dead.") for r in rows]


def _endpoint_trouble(account_id: int, now: datetime) -> list[Found]:
    """Where Stripe should send its events and does not, or not all; and a line that is silent though Stripe has events."""
    rows = _rows(
        select(WebhookEndpoint.id, WebhookEndpoint.status, WebhookEndpoint.missing)
        .where(WebhookEndpoint.account_id == account_id, WebhookEndpoint.ours, WebhookEndpoint.gone_at.is_(None))
        .where(or_(WebhookEndpoint.status != "enabled", func.cardinality(WebhookEndpoint.missing) > 0))
        .order_by(WebhookEndpoint.id)
    )
    found = [
        Found(
            "webhook_endpoint",
            row.id,
            f"Webhook endpoint {row.id} is {row.status} at Stripe."
            if row.status != "enabled"
            else f"Webhook endpoint {row.id} does not get {', '.join(row.missing)}.",
        )
        for row in rows
    ]
    lately = (WebhookEvent.account_id == account_id, WebhookEvent.received_at > now - timedelta(hours=1))
    by_list, by_webhook = db.session.execute(
        select(
            select(WebhookEvent.id).where(*lately, WebhookEvent.source != "webhook").exists(),
            select(WebhookEvent.id).where(*lately, WebhookEvent.source == "webhook").exists(),
        )
    ).one()
    if by_list and not by_webhook:
        found.append(
            Found(
                "account", str(account_id), "No webhook came for an hour, though Stripe's list of events has new ones."
            )
        )
    return found


def _failed_jobs(_account_id: int, now: datetime) -> list[Found]:
    rows = _rows(
        select(JobRun.job, func.max(JobRun.id).label("run"), func.count().label("times"))
        .where(JobRun.state == "failed", JobRun.due_at > now - _DAY)
        .group_by(JobRun.job)
        .order_by(JobRun.job)
    )
    return [Found("job", r.job, f"Job {r.job} failed {r.times} times within a day.") for r in rows]


def _late_jobs(_account_id: int, now: datetime) -> list[Found]:
    return [
        Found("job", one.line.name, f"Job {one.line.name} is late: it missed two of its due times ({one.when}).")
        for one in standings(timetable(), now)
        if one.state == "late"
    ]


def _sync_trouble(account_id: int, now: datetime) -> list[Found]:
    stopped: ColumnElement[bool] = and_(SyncRun.error.is_not(None), SyncRun.began_at > now - _DAY)
    rows = _rows(select(SyncRun.id).where(SyncRun.account_id == account_id, stopped).order_by(SyncRun.id.desc()))
    healed = select(func.count()).where(
        AuditLog.action == "sync.healed", AuditLog.account_id == account_id, AuditLog.at > now - _DAY
    )
    drift = db.session.scalar(healed) or 0
    found = [Found("sync_run", str(r.id), f"Sync {r.id} stopped before its end.") for r in rows]
    if drift:
        found.append(
            Found("sync", f"{now:%Y-%m-%d}", f"{drift} objects differed from Stripe within a day and were healed.")
        )
    return found


SOURCES = (
    Source("dispute.due", "Disputes due within 3 days", _disputes_due),
    Source("refund.failed", "Failed refunds", _failed_refunds),
    Source("refund.pending", "Refunds pending for 10 business days", _old_refunds),
    Source("act.needs_person", "Asked of Stripe, without an answer, and left to a person", _without_answer),
    Source("authorisation.ending", "Held payments that end within 24 hours", _holds_ending),
    Source("event.dead", "Dead webhook events", _dead_events),
    Source("webhook.line", "Webhooks that do not come", _endpoint_trouble),
    Source("job.failed", "Failed jobs", _failed_jobs),
    Source("job.late", "Late jobs", _late_jobs),
    Source("sync.drift", "Differences to Stripe", _sync_trouble),
)
BY_NAME = {source.name: source for source in SOURCES}


def _rows(statement: Select[*tuple[Any, ...]]) -> list[Row[*tuple[Any, ...]]]:
    return list(db.session.execute(statement.limit(_AT_ONCE)).all())


def _money(row: object) -> Money:
    return Money(MinorUnits(row.amount), row.currency)  # type: ignore[attr-defined]


def _time(instant: datetime) -> str:
    return f"{instant:%-d %b %Y, %H:%M} UTC"
