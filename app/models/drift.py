"""Where the mirror was not what Stripe is, field by field, and how the days add up on both sides."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Drift(Base):
    """One field that differed. `field` is empty when the whole object is missing on one side; `local` says on which.

    local, remote: as the audit trail would say them, so "personal data" for what says who somebody is. found_at: first seen;
    seen_at: last seen. healed_at: when the object was read again.
    """

    __tablename__ = "drifts"
    __table_args__ = (
        CheckConstraint("(healed_at IS NULL) = (healed_by IS NULL)", name="healed_by_somebody"),
        Index(
            "uq_drifts_open", "account_id", "kind", "object_id", "field", unique=True,
            postgresql_where=sql("healed_at IS NULL"),
        ),
        Index(None, "account_id", "found_at", "id"),
        Index(None, "object_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    object_id: Mapped[str]
    field: Mapped[str]
    local: Mapped[str | None]
    remote: Mapped[str | None]
    found_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    healed_at: Mapped[datetime | None]
    healed_by: Mapped[str | None]


class DaySum(Base):
    """One day of one kind in one currency, counted here and at Stripe before anything was healed.

    day: UTC, by the objects' creation. currency: empty for kinds that have none. Amounts in minor units.
    """

    __tablename__ = "day_sums"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "day", "currency"),
        Index(None, "account_id", "day", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    day: Mapped[date]
    currency: Mapped[str]
    count_here: Mapped[int] = mapped_column(BigInteger)
    count_there: Mapped[int] = mapped_column(BigInteger)
    amount_here: Mapped[int] = mapped_column(BigInteger)
    amount_there: Mapped[int] = mapped_column(BigInteger)
    compared_at: Mapped[datetime]

    @property
    def is_even(self) -> bool:
        return self.count_here == self.count_there and self.amount_here == self.amount_there
