"""A payment that Stripe's fraud protection, or a person, set aside for somebody to look at."""

from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed


class Review(Listed, Base):
    """Copy of a Stripe review (`prv_…`). It says where the buyer was: `raw` holds an IP address and stays out of pages.

    opened_reason: rule, manual. reason: why it is open, or why it is closed: approved, refunded, refunded_as_fraud, disputed,
    canceled, redacted, payment_never_settled, acknowledged.
    """

    __tablename__ = "reviews"

    open: Mapped[bool]
    opened_reason: Mapped[str | None]
    closed_reason: Mapped[str | None]
    reason: Mapped[str | None]
    charge_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    country: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index("ix_reviews_open", "account_id", "created_at", "id", postgresql_where=text("open")),
            Index(None, "charge_id"),
        )

    @property
    def state(self) -> str:
        """open, or the reason it was closed for."""
        return "open" if self.open else self.closed_reason or self.reason or "closed"
