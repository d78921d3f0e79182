"""An object of Stripe that we heard of and have never seen."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class WantedObject(Base):
    """To be read from Stripe by the worker: a mandate, which no event announces, or a parent whose own event never came.

    `kind`: Stripe's object name. The row goes when the object is here. `error` is the last attempt's.
    """

    __tablename__ = "wanted_objects"
    __table_args__ = (Index(None, "next_try_at"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    wanted_at: Mapped[datetime]
    next_try_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str | None]
