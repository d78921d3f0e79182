"""Where Stripe sends its events, as Stripe last told it."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class WebhookEndpoint(Base):
    """Copy of one of the account's webhook endpoints (`we_…`). No event tells of these: they are read.

    status: enabled or disabled. enabled_events: names of types, or `*`. api_version: None is the account's own.
    ours: it leads to this installation. missing: types this program needs and Stripe does not send there; empty for others.
    gone_at: when a read did not find it any more.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    url: Mapped[str]
    status: Mapped[str]
    enabled_events: Mapped[list[str]]
    api_version: Mapped[str | None]
    ours: Mapped[bool]
    missing: Mapped[list[str]]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
