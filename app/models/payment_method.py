"""A card, a bank account or another way to pay."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.mirrored import Listed

_OWNED = text("fingerprint IS NOT NULL AND customer_id IS NOT NULL")


class PaymentMethod(Listed, Base):
    """Copy of a Stripe payment method (`pm_…`). Detached means `customer_id` is empty again.

    `expires_at`: the instant from which a card is no longer good, the end of `exp_month` in UTC.
    `last4`, `fingerprint` and `country` come from the card or the bank account, whichever it is.
    """

    __tablename__ = "payment_methods"

    customer_id: Mapped[str | None]
    type: Mapped[str]
    allow_redisplay: Mapped[str | None]
    billing_details: Mapped[dict[str, Any] | None]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    exp_month: Mapped[int | None] = mapped_column(SmallInteger)
    exp_year: Mapped[int | None] = mapped_column(SmallInteger)
    expires_at: Mapped[datetime | None]
    fingerprint: Mapped[str | None]
    funding: Mapped[str | None]
    country: Mapped[str | None]
    bank_code: Mapped[str | None]

    @property
    def expires(self) -> str | None:
        """`04/2031`, to the end of which a card is good; None for what has no end."""
        return f"{self.exp_month or 0:02}/{self.exp_year}" if self.exp_year else None

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "customer_id"),
            Index(None, "fingerprint"),
            Index(
                "ix_payment_methods_ending",
                *("account_id", "expires_at", "id"),
                postgresql_where=text("expires_at IS NOT NULL AND customer_id IS NOT NULL"),
            ),
            Index("ix_payment_methods_owners", "account_id", "fingerprint", "customer_id", postgresql_where=_OWNED),
        )
