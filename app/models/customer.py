"""A customer of the shop."""

from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits


class Customer(Listed, Base):
    """Copy of a Stripe customer (`cus_…`). `balance` is in minor units of `currency`; negative means credit."""

    __tablename__ = "customers"

    email: Mapped[str | None]
    name: Mapped[str | None]
    phone: Mapped[str | None]
    description: Mapped[str | None]
    country: Mapped[str | None]
    currency: Mapped[str | None]
    balance: Mapped[MinorUnits | None]
    delinquent: Mapped[bool | None]
    tax_exempt: Mapped[str | None]
    default_payment_method_id: Mapped[str | None]
    default_source_id: Mapped[str | None]
    test_clock_id: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index("ix_customers_lower_email", text("lower(email)")),
            Index("ix_customers_lower_name", text("lower(name)")),
            # Two spellings of one address: `email_key` is a function of migration 0011.
            Index("ix_customers_email_key", "account_id", text("email_key(email)"), "id"),
        )

    @property
    def title(self) -> str:
        """What a person calls this customer."""
        return self.name or self.email or self.id
