"""A standing order, and what it is made of."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed, Mirrored


class Subscription(Listed, Base):
    """Copy of a Stripe subscription (`sub_…`). Its period is the span of its items' periods.

    status: incomplete, incomplete_expired, trialing, active, past_due, unpaid, canceled, paused.
    """

    __tablename__ = "subscriptions"

    status: Mapped[str]
    currency: Mapped[str | None]
    customer_id: Mapped[str | None]
    collection_method: Mapped[str | None]
    default_payment_method_id: Mapped[str | None]
    default_source_id: Mapped[str | None]
    latest_invoice_id: Mapped[str | None]
    cancel_at: Mapped[datetime | None]
    cancel_at_period_end: Mapped[bool | None]
    canceled_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    trial_started_at: Mapped[datetime | None]
    trial_ends_at: Mapped[datetime | None]
    billing_cycle_anchor_at: Mapped[datetime | None]
    current_period_started_at: Mapped[datetime | None]
    current_period_ends_at: Mapped[datetime | None]
    pause_collection: Mapped[dict[str, Any] | None]
    pending_setup_intent_id: Mapped[str | None]
    schedule_id: Mapped[str | None]
    test_clock_id: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (Index(None, "customer_id"), Index(None, "account_id", "status", "current_period_ends_at"))


class SubscriptionItem(Mirrored, Base):
    """One line of a subscription (`si_…`)."""

    __tablename__ = "subscription_items"
    __table_args__ = (Index(None, "subscription_id"), Index(None, "price_id"))

    subscription_id: Mapped[str]
    price_id: Mapped[str | None]
    quantity: Mapped[int | None]
    current_period_started_at: Mapped[datetime | None]
    current_period_ends_at: Mapped[datetime | None]
