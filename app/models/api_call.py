"""What programs asked of us."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Base
from app.models.api_key import ApiKey


class ApiCall(Base):
    """One request below /api/, kept for seven days.

    `account_id`: whose data it was about; without a key that works, the account of this house.
    `key_id`: None without such a key.
    `route`: "/api/sync/<object_id>", never the address itself, in which anything may stand; None where there is no such address.
    `duration_ms`: whole milliseconds.
    """

    __tablename__ = "api_calls"
    __table_args__ = (
        Index(None, "account_id", "at", "id"),
        Index(None, "key_id", "at", "id"),
        Index(None, "request_id"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id"))
    method: Mapped[str]
    route: Mapped[str | None]
    status: Mapped[int]
    duration_ms: Mapped[int]
    request_id: Mapped[str]

    key: Mapped[ApiKey | None] = relationship(lazy="joined")
