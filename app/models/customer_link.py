"""Two customers of Stripe who are one person, as somebody here decided."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, TextClause, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# For WITH RECURSIVE: all customers of :account_id that hang together with :id by links, whichever way round; :id itself included.
LINKED = """
    mine (id) AS (
        SELECT CAST(:id AS text)
        UNION
        SELECT next.id FROM mine CROSS JOIN LATERAL (
            SELECT other AS id FROM customer_links WHERE account_id = :account_id AND one = mine.id
            UNION ALL
            SELECT one FROM customer_links WHERE account_id = :account_id AND other = mine.id) AS next
    )"""


class CustomerLink(Base):
    """A pair, the smaller id first. Pages sum everybody who hangs together; Stripe knows nothing of it."""

    __tablename__ = "customer_links"
    __table_args__ = (
        CheckConstraint('one COLLATE "C" < other COLLATE "C"', name="in_order"),
        Index(None, "account_id", "other"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    one: Mapped[str] = mapped_column(primary_key=True)
    other: Mapped[str] = mapped_column(primary_key=True)
    linked_by: Mapped[str]
    linked_at: Mapped[datetime]


def linked_with(customer_id: str, *, account_id: int) -> TextClause:
    """The ids of all customers who are the same person as this one, this one included."""
    asked = text(f"WITH RECURSIVE {LINKED} SELECT id FROM mine")
    return asked.bindparams(id=customer_id, account_id=account_id)
