"""What we asked Stripe to change, and what it answered."""

from datetime import datetime

from sqlalchemy import BigInteger, Float, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class GatewayCall(Base):
    """One write to Stripe. Reads are logged, not kept: a backfill makes a hundred thousand of them.

    `status` is the HTTP status, empty when no answer came.
    `object_id` is what the call was about. `duration_ms` whole milliseconds.
    `parameters` is the form without personal data.
    """

    __tablename__ = "gateway_calls"
    __table_args__ = (
        Index(None, "object_id", "id"),
        Index(None, "idempotency_key"),
        Index(None, "request_id"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    method: Mapped[str]
    path: Mapped[str]
    status: Mapped[int | None]
    request_id: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    object_id: Mapped[str | None]
    duration_ms: Mapped[int]
    error: Mapped[str | None]
    parameters: Mapped[str | None]


class RateBucket(Base):
    """A token bucket that all processes share: `tokens` are left as of `filled_at`."""

    __tablename__ = "rate_buckets"

    name: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(Float)
    filled_at: Mapped[datetime]
