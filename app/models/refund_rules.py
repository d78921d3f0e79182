"""What an admin sets about refunds: how much somebody may give back alone, and the reasons to choose from."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.money import MinorUnits

STRIPE_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
# A limit of this currency holds for every currency without one of its own.
EVERY = "*"


class RefundLimit(Base):
    """How much a role, or one person instead of their role, gives back without another person. Amounts in minor units.

    `approval_from`: a refund of this much or more needs another person; empty: none does.
    `per_day`: what one person's refunds of one UTC day may add up to, without those that others agreed to; empty: no end.
    currency `*`: every other, counted like a currency with two decimals: 500.00 also means 50,000 JPY or ISK, and 150.000 KWD.
    The database itself reads this table: see refund_limit_of() in the migration.
    """

    __tablename__ = "refund_limits"
    __table_args__ = (
        CheckConstraint("scope IN ('role', 'person')", name="scope"),
        CheckConstraint("approval_from >= 0 AND per_day >= 0", name="amounts"),
        Index("uq_refund_limits_of", "scope", "name", "currency", unique=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    scope: Mapped[str]
    name: Mapped[str]
    currency: Mapped[str]
    approval_from: Mapped[MinorUnits | None]
    per_day: Mapped[MinorUnits | None]
    set_at: Mapped[datetime]
    set_by: Mapped[str]


class RefundReason(Base):
    """One reason to choose from. `stripe`: what Stripe is told, empty where it has no word for it. Retired, never deleted."""

    __tablename__ = "refund_reasons"
    __table_args__ = (
        CheckConstraint(f"stripe IN {STRIPE_REASONS}", name="stripe"),
        CheckConstraint("length(trim(words)) > 0", name="words"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[str]
    stripe: Mapped[str | None]
    position: Mapped[int]
    retired_at: Mapped[datetime | None]
    set_at: Mapped[datetime]
    set_by: Mapped[str]
