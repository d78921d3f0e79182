"""What Stripe told us, kept before it is understood."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# `waiting` will be tried by the worker; the other four are ends.
STATES = ("waiting", "processed", "superseded", "ignored", "dead")


class WebhookEvent(Base):
    """One event by its Stripe id (`evt_…`), however often it was delivered.

    state: waiting (kept, to be tried at `next_try_at`), processed, superseded (older than what we knew),
    ignored (no handler), dead.
    `customer_id`: whose object it is about, as far as the object itself says so.
    `headers`: how its first delivery came, without the signature itself; None for what was read from Stripe's list.
    `body`: the event as received, zstd-compressed. `source`: webhook or catch-up. `deliveries` counts how often it came.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("state <> 'waiting' OR next_try_at IS NOT NULL", name="waiting_has_next_try"),
        Index("ix_webhook_events_waiting", "next_try_at", postgresql_where=text("state = 'waiting'")),
        # The start page asks how many are dead; without this it would read every event there ever was.
        Index("ix_webhook_events_dead", "account_id", "received_at", postgresql_where=text("state = 'dead'")),
        Index(None, "account_id", "received_at", "id"),
        Index(None, "object_id", "created_at"),
        Index(
            "ix_webhook_events_customer",
            "customer_id",
            "created_at",
            "id",
            postgresql_where=text("customer_id IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    type: Mapped[str]
    created_at: Mapped[datetime]
    api_version: Mapped[str | None]
    object_id: Mapped[str | None]
    object_type: Mapped[str | None]
    customer_id: Mapped[str | None]
    request_id: Mapped[str | None]
    body: Mapped[bytes]
    headers: Mapped[dict[str, Any] | None]
    source: Mapped[str]
    received_at: Mapped[datetime]
    deliveries: Mapped[int] = mapped_column(server_default=text("1"))
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_try_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]
    error: Mapped[str | None]


class WebhookRefusal(Base):
    """A request to the webhook address that was not believed. The body itself is never kept, only its hash."""

    __tablename__ = "webhook_refusals"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    reason: Mapped[str]
    event_id: Mapped[str | None]
    body_sha256: Mapped[bytes]
    body_size: Mapped[int]
    ip: Mapped[str | None]
