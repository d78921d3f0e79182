"""A letter that asks a customer for a new card before theirs ends, and what came of it."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.database import Base

# For so long a customer is not asked about the same card again; a trigger keeps it (migration of this table).
PAUSE = timedelta(days=14)
GOOD_FOR = timedelta(days=30)
# A link in a letter is opened by mail programs and by people who come back to it; nobody needs it more often.
MOST_OPENINGS = 20


class CardUpdateLink(Base):
    """One link in one letter. `token_hash`: the SHA-256 of what stands in it; the token itself is in the letter alone.

    fingerprint, card_expires_at: of the card when it was asked about. A card that ends later by now was updated.
    opened_at, opens: when its customer was last led to Stripe's page, and how often.
    """

    __tablename__ = "card_update_links"
    __table_args__ = (
        Index("uq_card_update_links_token_hash", "token_hash", unique=True),
        Index(None, "account_id", "asked_at", "id"),
        Index(None, "payment_method_id", "asked_at"),
        Index(None, "customer_id", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    customer_id: Mapped[str]
    payment_method_id: Mapped[str]
    fingerprint: Mapped[str | None]
    card_expires_at: Mapped[datetime]
    token_hash: Mapped[bytes]
    mail_id: Mapped[UUID]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    opens: Mapped[int] = mapped_column(server_default=text("0"), default=0)

    @property
    def is_open(self) -> bool:
        """Whether it still leads anywhere."""
        return self.expires_at > clock.now() and self.opens < MOST_OPENINGS


class MailOptOut(Base):
    """A customer who wants no more letters of this kind. kind: the name of the letter, like `card.expiring`."""

    __tablename__ = "mail_opt_outs"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    said_at: Mapped[datetime]
    # `link`, or who wrote it down for them.
    said_by: Mapped[str]
