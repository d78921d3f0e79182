"""Where Stripe sends its events, and whether all that this program needs is among them."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.mirror import pull, raw
from app.mirror.pull import Reads
from app.models.webhook_endpoint import WebhookEndpoint

PATH = "/v1/webhook_endpoints"
ADDRESSES = frozenset({"/webhooks/stripe", "/webhook"})
ALL = "*"
# What the mirror is kept true by (RULES B8). Other types are understood as well, or do no harm.
NEEDED = (
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer.created",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.sent",
    "invoice.updated",
    "invoice.voided",
    "invoice_payment.paid",
    "mandate.updated",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.reconciliation_completed",
    "payout.updated",
    "price.created",
    "price.deleted",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "review.closed",
    "review.opened",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
)


def read(gateway: Reads, *, account_id: int, domain: str, actor: Actor | None = None) -> int:
    """Ask Stripe for the account's endpoints and keep the answer; how many there are. `domain`: our public base address.

    With an actor the reading has its line in the trail.
    Raises:
        GatewayUnavailable, GatewayRefused: nothing was changed.
    """
    began = clock.now()
    listed = [endpoint for answer in pull.pages(PATH, {}, gateway) for endpoint in answer.data]
    with transaction():
        for endpoint in listed:
            _keep(_row(endpoint, account_id=account_id, domain=domain, read_at=began))
        _note_gone(account_id, began)
        if actor is not None:
            trail.record(
                actor,
                "endpoints.read",
                "account",
                str(account_id),
                account_id=account_id,
                after={"found": len(listed)},
            )
    return len(listed)


def missing_of(enabled: list[str]) -> list[str]:
    """The types we need that such an endpoint does not get."""
    return [] if ALL in enabled else [name for name in NEEDED if name not in enabled]


def is_ours(url: str, domain: str) -> bool:
    """Does it lead here? Scheme, host and port must be those of our public address, the path one we answer on."""
    theirs, ours = urlsplit(url), urlsplit(domain)
    return (theirs.scheme, theirs.netloc.lower()) == (ours.scheme, ours.netloc.lower()) and theirs.path in ADDRESSES


def _row(endpoint: dict[str, Any], *, account_id: int, domain: str, read_at: datetime) -> dict[str, Any]:
    url, enabled = str(endpoint["url"]), [str(name) for name in endpoint["enabled_events"]]
    ours = is_ours(url, domain)
    return {
        "id": endpoint["id"],
        "account_id": account_id,
        # Somebody may have put a secret into the query; what is behind the path is nobody's business here.
        "url": raw.clean_text(url.partition("?")[0]),
        "status": endpoint["status"],
        "enabled_events": enabled,
        "api_version": endpoint.get("api_version"),
        "ours": ours,
        "missing": missing_of(enabled) if ours else [],
        "created_at": clock.from_unix(endpoint["created"]),
        "read_at": read_at,
        "gone_at": None,
    }


def _keep(row: dict[str, Any]) -> None:
    """Two readings at once: the later one is right."""
    statement = insert(WebhookEndpoint).values(row)
    newer = {name: statement.excluded[name] for name in row if name != "id"}
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=[WebhookEndpoint.id], set_=newer, where=WebhookEndpoint.read_at <= statement.excluded.read_at
        )
    )


def _note_gone(account_id: int, began: datetime) -> None:
    not_seen = (WebhookEndpoint.account_id == account_id, WebhookEndpoint.read_at < began)
    db.session.execute(
        update(WebhookEndpoint).where(*not_seen, WebhookEndpoint.gone_at.is_(None)).values(gone_at=began)
    )
