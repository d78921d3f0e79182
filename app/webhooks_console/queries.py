"""What the console asks the database: tries of an event, its place in our copy, and how the line to Stripe is doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app.database import db
from app.mirror.kinds import KINDS
from app.models.webhook_endpoint import WebhookEndpoint
from app.models.webhook_event import WebhookEvent, WebhookRefusal
from app.models.webhook_try import WebhookTry
from app.web.accounts import current_account_id
from app.webhooks.handlers import kind_of

# The figures of the line to Stripe are of so many events at most: the page costs the same on a busy day.
NEWEST = 1_000
_MANY_TRIES = 200
LATELY = timedelta(hours=24)
SILENT_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where our copy of the event's object stands. seen_at: Stripe's time of the news it holds; None: there is no copy."""

    kind: str | None
    seen_at: datetime | None
    event_at: datetime

    @property
    def words(self) -> str:
        if self.kind is None:
            return "Not kept: no list here shows objects of this kind."
        if self.seen_at is None:
            return "There is no copy of it here."
        if self.seen_at == self.event_at:
            return "Our copy stands at this event, or at another of the same second."
        if self.seen_at > self.event_at:
            return "Our copy is newer than this event."
        return "Our copy is older than this event."


@dataclass(frozen=True, slots=True)
class Line:
    """How the newest events came. p50, p95: seconds from Stripe's event to ours. last_webhook: None if none came lately."""

    number: int
    p50: float | None
    p95: float | None
    last_webhook: datetime | None
    last_caught_up: datetime | None
    failed: int
    refusals: int

    @property
    def is_silent(self) -> bool:
        """Stripe lists events of the last hour that no webhook brought."""
        return self.last_caught_up is not None and self.last_webhook is None


def tries_of(event_id: str) -> Sequence[WebhookTry]:
    """Newest last; of very many the newest 200."""
    newest = select(WebhookTry).where(WebhookTry.event_id == event_id).order_by(WebhookTry.id.desc()).limit(_MANY_TRIES)
    return db.session.scalars(newest).all()[::-1]


def standing(event: WebhookEvent) -> Standing:
    kind = kind_of(event.type)
    if kind is None or event.object_id is None:
        return Standing(kind, None, event.created_at)
    door = KINDS[kind].door
    seen_at = db.session.scalar(select(door.table.c.seen_at).where(door.table.c[door.key] == event.object_id))
    return Standing(kind, seen_at, event.created_at)


def endpoints() -> Sequence[WebhookEndpoint]:
    """Those Stripe still knows; ours first."""
    mine = select(WebhookEndpoint).where(
        WebhookEndpoint.account_id == current_account_id(), WebhookEndpoint.gone_at.is_(None)
    )
    return db.session.scalars(mine.order_by(WebhookEndpoint.ours.desc(), WebhookEndpoint.url)).all()


def line(now: datetime) -> Line:
    """Of the newest thousand events of a day, in one question for each of three tables' worth of facts."""
    newest = (
        select(
            WebhookEvent.source,
            WebhookEvent.received_at,
            WebhookEvent.error,
            func.extract("epoch", WebhookEvent.received_at - WebhookEvent.created_at).label("lag"),
        )
        .where(WebhookEvent.account_id == current_account_id(), WebhookEvent.received_at > now - LATELY)
        .order_by(WebhookEvent.received_at.desc(), WebhookEvent.id.desc())
        .limit(NEWEST)
        .subquery()
    )
    by_webhook = newest.c.source == "webhook"
    fresh = newest.c.received_at > now - SILENT_AFTER
    row: Any = db.session.execute(
        select(
            func.count().filter(by_webhook).label("number"),
            func.percentile_cont(0.5).within_group(newest.c.lag).filter(by_webhook).label("p50"),
            func.percentile_cont(0.95).within_group(newest.c.lag).filter(by_webhook).label("p95"),
            func.max(newest.c.received_at).filter(by_webhook, fresh).label("last_webhook"),
            func.max(newest.c.received_at).filter(~by_webhook, fresh).label("last_caught_up"),
            func.count().filter(newest.c.error.is_not(None)).label("failed"),
        )
    ).one()
    few = select(WebhookRefusal.id).where(WebhookRefusal.at > now - LATELY).limit(NEWEST).subquery()
    refusals = db.session.scalar(select(func.count()).select_from(few)) or 0
    return Line(
        row.number, _seconds(row.p50), _seconds(row.p95), row.last_webhook, row.last_caught_up, row.failed, refusals
    )


def _seconds(value: Any) -> float | None:
    """Stripe's second may be ahead of our clock: nothing arrives before it happened."""
    return None if value is None else max(float(value), 0.0)
