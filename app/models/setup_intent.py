"""The wish to keep a payment method for later."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed


class SetupIntent(Listed, Base):
    """Copy of a Stripe setup intent (`seti_…`), never with its client secret.

    status: requires_payment_method, requires_confirmation, requires_action, processing, succeeded, canceled.
    """

    __tablename__ = "setup_intents"

    status: Mapped[str]
    usage: Mapped[str | None]
    customer_id: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    mandate_id: Mapped[str | None]
    single_use_mandate_id: Mapped[str | None]
    latest_attempt_id: Mapped[str | None]
    cancellation_reason: Mapped[str | None]
    last_setup_error: Mapped[dict[str, Any] | None]
    next_action: Mapped[dict[str, Any] | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (Index(None, "customer_id"),)
