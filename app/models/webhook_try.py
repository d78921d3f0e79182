"""What became of each try to understand an event that was not understood at once."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class WebhookTry(Base):
    """One try. An event that was understood as it came, as nearly all are, has none: its own row says it.

    number: the event's count of tries; it begins anew with a replay. state: what the event was afterwards.
    changed: the columns of our copy that differ since this try; empty when it changed nothing, None when that was not looked at.
    Names only, no values: they may be a person's.
    """

    __tablename__ = "webhook_tries"
    __table_args__ = (Index(None, "event_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    event_id: Mapped[str] = mapped_column(ForeignKey("webhook_events.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    number: Mapped[int]
    state: Mapped[str]
    error: Mapped[str | None]
    changed: Mapped[list[str] | None]
