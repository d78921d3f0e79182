"""What Stripe told about a thing, as lines of a timeline."""

from collections.abc import Collection, Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import load_only

from app.database import db
from app.models.webhook_event import WebhookEvent
from app.web.accounts import current_account_id

Entry = dict[str, Any]
AT_MOST = 100


class Told(NamedTuple):
    """How an event is said. tone and icon as in templates/macros/timeline.html."""

    title: str
    tone: str = "calm"
    icon: str = "point"


# Read it like a table. What is not in it is shown by Stripe's own name.
WORDS: dict[str, Told] = {
    "payment_intent.created": Told("Payment started", "calm", "circle-dashed"),
    "payment_intent.requires_action": Told("The bank asked the customer to confirm", "wait", "user"),
    "payment_intent.processing": Told("The bank is working on it", "wait", "clock"),
    "payment_intent.payment_failed": Told("A try to pay failed", "bad", "x"),
    "payment_intent.amount_capturable_updated": Told("Authorised, not yet captured", "note", "hourglass"),
    "payment_intent.canceled": Told("Payment canceled", "calm", "ban"),
    "payment_intent.succeeded": Told("Payment complete", "good", "check"),
    "charge.succeeded": Told("Payment succeeded", "good", "check"),
    "charge.failed": Told("Payment failed", "bad", "x"),
    "charge.pending": Told("Payment started", "wait", "clock"),
    "charge.captured": Told("Captured", "good", "check"),
    "charge.expired": Told("The authorisation expired", "calm", "ban"),
    "charge.dispute.created": Told("Dispute opened", "bad", "gavel"),
    "charge.dispute.updated": Told("Dispute changed", "calm", "gavel"),
    "charge.dispute.closed": Told("Dispute closed", "note", "gavel"),
    "charge.dispute.funds_withdrawn": Told("The bank took the money back", "bad", "gavel"),
    "charge.dispute.funds_reinstated": Told("The bank gave the money back", "good", "gavel"),
    "refund.created": Told("Stripe made the refund", "note", "arrow-back-up"),
    "refund.updated": Told("Stripe changed the refund", "calm", "refresh"),
    "refund.failed": Told("The refund failed", "bad", "x"),
    "mandate.updated": Told("The bank changed the mandate", "note", "refresh"),
    "payment_method.attached": Told("Saved for the customer", "good", "check"),
    "payment_method.detached": Told("Removed from the customer", "calm", "ban"),
    "payment_method.updated": Told("Changed", "calm", "refresh"),
    "payment_method.automatically_updated": Told("The network sent new card data", "good", "refresh"),
    "review.opened": Told("Set aside for a review", "wait", "eye"),
    "review.closed": Told("Review closed", "calm", "check"),
    "payout.created": Told("Payout made", "note", "send"),
    "payout.updated": Told("Payout changed", "calm", "refresh"),
    "payout.paid": Told("Payout paid", "good", "check"),
    "payout.failed": Told("Payout failed", "bad", "x"),
    "payout.canceled": Told("Payout canceled", "calm", "ban"),
    "payout.reconciliation_completed": Told("Its contents are complete", "calm", "check"),
}


def told(object_ids: Iterable[str | None], *, without: Collection[str] = ()) -> list[Entry]:
    """The events of these objects, as entries; `without` names types that the page says in another way."""
    ids = [found for found in object_ids if found]
    about = (
        select(WebhookEvent)
        .where(WebhookEvent.object_id.in_(ids), WebhookEvent.account_id == current_account_id())
        .where(WebhookEvent.type.not_in([*without]))
        .order_by(WebhookEvent.created_at.desc(), WebhookEvent.id.desc())
        .limit(AT_MOST)
        .options(load_only(WebhookEvent.id, WebhookEvent.type, WebhookEvent.created_at))
    )
    return [_entry(event) for event in db.session.scalars(about)] if ids else []


def entry(at: datetime | None, title: str, **more: Any) -> Entry | None:
    """An entry of one's own: tone, icon, actor, text, url. None when nobody knows the instant."""
    return {"at": at, "title": title, **more} if at else None


def newest_first(*parts: Iterable[Entry | None]) -> list[Entry]:
    """One timeline of several. Of two entries of the same second the one that was given first is above."""
    known = [entry for part in parts for entry in part if entry is not None]
    return sorted(known, key=itemgetter("at"), reverse=True)


def _entry(event: WebhookEvent) -> Entry:
    words = WORDS.get(event.type) or Told(event.type)
    return {
        "at": event.created_at,
        "title": words.title,
        "tone": words.tone,
        "icon": words.icon,
        "actor": "Stripe",
        "type": event.type,
    }
