"""What the shop's own block lists at Stripe hold: cards, addresses and customers that cannot pay any more."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class BlockListItem(Base):
    """Copy of an item of one of Radar's block lists (`rsli_…`). Stripe sends no events about these: the lists are read.

    item_type: card_fingerprint, email or customer_id. `value` of an address is personal.
    `removed_at`: it is on the list no more; the row stays so that somebody can see that it was.
    """

    __tablename__ = "block_list_items"
    __table_args__ = (Index(None, "account_id", "created_at", "id"), Index(None, "account_id", "value"))

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    list_id: Mapped[str]
    item_type: Mapped[str]
    value: Mapped[str]
    created_by: Mapped[str | None]
    created_at: Mapped[datetime | None]
    read_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
