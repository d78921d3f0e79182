"""Two customers of Stripe who are one person, as somebody here decided."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


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
