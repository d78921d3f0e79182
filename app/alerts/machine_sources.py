"""Trouble with the machinery: events, webhooks, jobs, the copy of Stripe."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select

from app.alerts.found import DAY, Found, rows, time
from app.database import db
from app.models.audit_log import AuditLog
from app.models.drift import Drift
from app.models.job_run import JobRun
from app.models.sync_window import SyncRun
from app.models.webhook_endpoint import WebhookEndpoint
from app.models.webhook_event import WebhookEvent
from app.timetable.lines import timetable
from app.timetable.standing import standings

_HEALTH = "/admin/webhooks/health/"


def dead_events(account_id: int, now: datetime) -> list[Found]:
    found = rows(
        select(WebhookEvent.id, WebhookEvent.type, WebhookEvent.received_at)
        .where(
            WebhookEvent.account_id == account_id,
            WebhookEvent.state == "dead",
            WebhookEvent.received_at > now - 7 * DAY,
        )
        .order_by(WebhookEvent.received_at.desc())
    )
    return [
        Found(
            "webhook_event",
            r.id,
            f"Event {r.id} ({r.type}) could not be understood and is dead.",
            since=r.received_at,
            path=f"/admin/webhooks/{r.id}",
        )
        for r in found
    ]


def endpoint_trouble(account_id: int, now: datetime) -> list[Found]:
    """Where Stripe should send its events and does not, or not all; and a line that is silent though Stripe has events."""
    ours = rows(
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
            path=_HEALTH,
        )
        for row in ours
    ]
    lately = (WebhookEvent.account_id == account_id, WebhookEvent.received_at > now - timedelta(hours=1))
    by_list, by_webhook = db.session.execute(
        select(
            select(WebhookEvent.id).where(*lately, WebhookEvent.source != "webhook").exists(),
            select(WebhookEvent.id).where(*lately, WebhookEvent.source == "webhook").exists(),
        )
    ).one()
    if by_list and not by_webhook:
        words = "No webhook came for an hour, though Stripe's list of events has new ones."
        found.append(Found("account", str(account_id), words, path=_HEALTH, time=f"{now:%Y-%m-%d}"))
    return found


def failed_jobs(_account_id: int, now: datetime) -> list[Found]:
    found = rows(
        select(JobRun.job, func.count().label("times"), func.max(JobRun.due_at).label("last"))
        .where(JobRun.state == "failed", JobRun.due_at > now - DAY)
        .group_by(JobRun.job)
        .order_by(JobRun.job)
    )
    return [
        Found(
            "job",
            r.job,
            f"Job {r.job} failed {'once' if r.times == 1 else f'{r.times} times'} within a day, last at {time(r.last)}.",
            path=f"/admin/jobs/{r.job}",
            time=f"{r.last:%Y-%m-%d}",
        )
        for r in found
    ]


def late_jobs(_account_id: int, now: datetime) -> list[Found]:
    return [
        Found(
            "job",
            one.line.name,
            f"Job {one.line.name} is late: it missed two of its due times ({one.when}).",
            since=one.last.due_at if one.last else None,
            path=f"/admin/jobs/{one.line.name}",
            time=f"{one.last.due_at:%Y-%m-%dT%H:%M}" if one.last else "",
        )
        for one in standings(timetable(), now)
        if one.state == "late"
    ]


def sync_trouble(account_id: int, now: datetime) -> list[Found]:
    stopped: ColumnElement[bool] = and_(SyncRun.error.is_not(None), SyncRun.began_at > now - DAY)
    runs = rows(select(SyncRun.id).where(SyncRun.account_id == account_id, stopped).order_by(SyncRun.id.desc()))
    healed = select(func.count()).where(
        AuditLog.action == "sync.healed", AuditLog.account_id == account_id, AuditLog.at > now - DAY
    )
    drift = db.session.scalar(healed) or 0
    differing = rows(
        select(Drift.kind, Drift.object_id, func.min(Drift.id).label("first"), func.min(Drift.found_at).label("since"))
        .where(Drift.account_id == account_id, Drift.healed_at.is_(None))
        .group_by(Drift.kind, Drift.object_id)
        .order_by(Drift.kind, Drift.object_id)
    )
    found = [Found("sync_run", str(r.id), f"Sync {r.id} stopped before its end.") for r in runs]
    found += [
        Found(
            r.kind,
            r.object_id,
            f"{r.kind} {r.object_id} is not what Stripe has. Heal it.",
            since=r.since,
            path=f"/admin/sync/{r.first}",
        )
        for r in differing
    ]
    if drift:
        found.append(
            Found(
                "sync",
                str(account_id),
                f"{drift} objects differed from Stripe within a day and were healed.",
                time=f"{now:%Y-%m-%d}",
            )
        )
    return found
