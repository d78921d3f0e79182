"""A line of Stripe's ledger: the only place where money truly moved."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits


class BalanceTransaction(Listed, Base):
    """Copy of a Stripe balance transaction (`txn_…`). net = amount - fee.

    Amounts in minor units of `currency`, which is the settlement currency.
    status: pending, available. Stripe sends no events about these: they are read.
    """

    __tablename__ = "balance_transactions"

    type: Mapped[str]
    reporting_category: Mapped[str]
    amount: Mapped[MinorUnits]
    fee: Mapped[MinorUnits]
    net: Mapped[MinorUnits]
    currency: Mapped[str]
    status: Mapped[str]
    available_at: Mapped[datetime | None]
    source_id: Mapped[str | None]
    exchange_rate: Mapped[Decimal | None] = mapped_column(Numeric(24, 12))
    balance_type: Mapped[str | None]
    description: Mapped[str | None]
    payout_id: Mapped[str | None]
    fee_details: Mapped[dict[str, Any] | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "source_id"),
            Index(None, "account_id", "available_at"),
            Index(None, "payout_id"),
            Index(None, "account_id", "currency", "reporting_category", "created_at"),
        )
