"""A customer's visit to Stripe's hosted payment page."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits


class CheckoutSession(Listed, Base):
    """Copy of a Stripe Checkout Session (`cs_…`), never with its client secret. Amounts in minor units of `currency`.

    status: open, complete, expired. payment_status: paid, unpaid, no_payment_required.
    """

    __tablename__ = "checkout_sessions"

    mode: Mapped[str | None]
    status: Mapped[str | None]
    payment_status: Mapped[str | None]
    customer_id: Mapped[str | None]
    customer_email: Mapped[str | None]
    client_reference_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    setup_intent_id: Mapped[str | None]
    subscription_id: Mapped[str | None]
    invoice_id: Mapped[str | None]
    payment_link_id: Mapped[str | None]
    amount_subtotal: Mapped[MinorUnits | None]
    amount_total: Mapped[MinorUnits | None]
    currency: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    url: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "customer_id", "created_at"),
            Index(None, "payment_intent_id"),
            Index(None, "account_id", "status", "expires_at"),
        )
