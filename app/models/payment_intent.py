"""The wish to be paid, through all its attempts."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits


class PaymentIntent(Listed, Base):
    """Copy of a Stripe payment intent (`pi_…`), never with its client secret. Amounts in minor units of `currency`.

    status: requires_payment_method, requires_confirmation, requires_action, processing, requires_capture, succeeded, canceled.
    """

    __tablename__ = "payment_intents"

    amount: Mapped[MinorUnits]
    amount_capturable: Mapped[MinorUnits]
    amount_received: Mapped[MinorUnits]
    currency: Mapped[str]
    status: Mapped[str]
    customer_id: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    latest_charge_id: Mapped[str | None]
    capture_method: Mapped[str | None]
    confirmation_method: Mapped[str | None]
    setup_future_usage: Mapped[str | None]
    description: Mapped[str | None]
    receipt_email: Mapped[str | None]
    cancellation_reason: Mapped[str | None]
    canceled_at: Mapped[datetime | None]
    last_payment_error: Mapped[dict[str, Any] | None]
    next_action: Mapped[dict[str, Any] | None]
    payment_method_types: Mapped[list[str] | None]
    review_id: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "account_id", "status", "created_at"),
            Index(None, "customer_id", "created_at"),
        )
