"""A customer's permission to debit them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Mirrored


class Mandate(Mirrored, Base):
    """Copy of a Stripe mandate (`mandate_…`). status: pending, active, inactive.

    Stripe gives it no creation time, no metadata and no list.
    type: multi_use, or single_use, which ends with its one payment. network_status: Bacs only; pending, accepted, refused, revoked.
    `customer_id` is learnt from the payment method.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        Index(None, "payment_method_id"),
        Index(None, "account_id", "status", "id"),
        Index(None, "customer_id"),
        Index(None, "account_id", "accepted_at", "id"),
        Index(None, "account_id", "reference"),
    )

    status: Mapped[str]
    type: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    payment_method_type: Mapped[str | None]
    customer_id: Mapped[str | None]
    reference: Mapped[str | None]
    url: Mapped[str | None]
    network_status: Mapped[str | None]
    revocation_reason: Mapped[str | None]
    accepted_at: Mapped[datetime | None]
    acceptance_type: Mapped[str | None]
    acceptance: Mapped[dict[str, Any] | None]
