"""What the shop sells, and for how much."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits


class Product(Listed, Base):
    """Copy of a Stripe product (`prod_…`)."""

    __tablename__ = "products"

    name: Mapped[str | None]
    active: Mapped[bool | None]
    description: Mapped[str | None]
    default_price_id: Mapped[str | None]


class Price(Listed, Base):
    """Copy of a Stripe price (`price_…`). `unit_amount` in minor units of `currency`; `unit_amount_decimal` may be finer."""

    __tablename__ = "prices"

    product_id: Mapped[str | None]
    active: Mapped[bool | None]
    currency: Mapped[str]
    unit_amount: Mapped[MinorUnits | None]
    unit_amount_decimal: Mapped[Decimal | None] = mapped_column(Numeric(30, 12))
    type: Mapped[str | None]
    recurring: Mapped[dict[str, Any] | None]
    billing_scheme: Mapped[str | None]
    lookup_key: Mapped[str | None]
    nickname: Mapped[str | None]
    tax_behavior: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (Index(None, "product_id"),)
