"""Money on its way to the shop's bank."""

from datetime import date
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits


class Payout(Listed, Base):
    """Copy of a Stripe payout (`po_…`). `amount` in minor units, negative for a withdrawal. A paid one can become failed later.

    status: pending, in_transit, paid, failed, canceled.
    """

    __tablename__ = "payouts"

    amount: Mapped[MinorUnits]
    currency: Mapped[str]
    status: Mapped[str]
    arrives_on: Mapped[date | None]
    automatic: Mapped[bool | None]
    method: Mapped[str | None]
    type: Mapped[str | None]
    description: Mapped[str | None]
    statement_descriptor: Mapped[str | None]
    destination_id: Mapped[str | None]
    balance_transaction_id: Mapped[str | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    failure_balance_transaction_id: Mapped[str | None]
    reconciliation_status: Mapped[str | None]
    original_payout_id: Mapped[str | None]
    reversed_by_id: Mapped[str | None]
    trace_id: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (Index(None, "account_id", "arrives_on"), Index(None, "account_id", "status", "created_at"))
