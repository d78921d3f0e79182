"""What answering a dispute costs, as an account reckons it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.money import MinorUnits, Money

MOST_MINUTES = 1_000


class FightCost(Base):
    """For disputes in one currency, in its minor units: `minute`, what a minute of somebody's work costs; `minutes`, how many an
    answer takes; `counter_fee`, what Stripe takes for answering."""

    __tablename__ = "fight_costs"
    __table_args__ = (
        CheckConstraint(f"minutes BETWEEN 0 AND {MOST_MINUTES}", name="minutes"),
        CheckConstraint("minute >= 0 AND counter_fee >= 0", name="amounts"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(primary_key=True)
    minute: Mapped[MinorUnits]
    minutes: Mapped[int]
    counter_fee: Mapped[MinorUnits]
    set_by: Mapped[str]
    set_at: Mapped[datetime]

    @property
    def work(self) -> Money:
        """What the minutes cost together."""
        return Money(MinorUnits(self.minute * self.minutes), self.currency)
