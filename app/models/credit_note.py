"""What was taken back from a bill after it had been written."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed
from app.money import MinorUnits, Money


class CreditNote(Listed, Base):
    """Copy of a Stripe credit note (`cn_…`). Amounts in minor units of `currency`. status: issued, void.

    type: pre_payment (less is due), post_payment (it went back), mixed. refund_ids: the refunds (`re_…`) it stands for.
    """

    __tablename__ = "credit_notes"

    number: Mapped[str | None]
    status: Mapped[str]
    type: Mapped[str | None]
    currency: Mapped[str]
    customer_id: Mapped[str | None]
    invoice_id: Mapped[str | None]
    total: Mapped[MinorUnits]
    subtotal: Mapped[MinorUnits | None]
    out_of_band_amount: Mapped[MinorUnits | None]
    reason: Mapped[str | None]
    memo: Mapped[str | None]
    pdf: Mapped[str | None]
    refund_ids: Mapped[list[str]]
    effective_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "invoice_id"),
            Index(None, "customer_id", "created_at"),
            Index(None, "account_id", "number"),
        )

    @property
    def money(self) -> Money:
        return Money(self.total, self.currency)
