"""A Stripe account in one mode: the owner of every mirrored row."""

from datetime import datetime

from sqlalchemy import Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Account(Base):
    """Test and live of one Stripe account are two rows, so an `account_id` always names a mode as well.

    `stripe_id` (`acct_…`) is unknown until Stripe was asked for the first time.
    `events_read_to`: the catch-up has read Stripe's events up to this instant.
    """

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("livemode", "stripe_id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    stripe_id: Mapped[str | None]
    livemode: Mapped[bool]
    name: Mapped[str | None]
    created_at: Mapped[datetime]
    events_read_to: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
