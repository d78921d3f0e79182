"""What happens to a draft that nobody sent: the rule of an account, and the disputes that people keep out of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# The job that does it, as the trail names it.
JOB = "submit_last_chances"
MOST_FIELDS = 20


class LastChance(Base):
    """Whether a draft is submitted by itself 24 hours before the deadline. Off until somebody wishes it.

    fields_needed: so many recommended fields must be filled.
    """

    __tablename__ = "last_chances"
    __table_args__ = (CheckConstraint(f"fields_needed BETWEEN 1 AND {MOST_FIELDS}", name="fields_needed"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    is_on: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    fields_needed: Mapped[int]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class LeftAlone(Base):
    """Somebody said of a dispute: leave it. While this row is there, nothing is submitted by itself."""

    __tablename__ = "disputes_left_alone"

    dispute_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    left_by: Mapped[str]
    left_at: Mapped[datetime]
