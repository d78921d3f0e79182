"""By what an account suggests whether an early fraud warning is refunded or ignored."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# Cardholders can dispute up to 120 days after a payment, sometimes later (docs.stripe.com/disputes/measuring).
USUAL_DAYS = 120
MOST_DAYS = 540
# Radar's levels of risk, the lowest first: from which on a refund is suggested.
LEVELS: dict[str, str] = {"normal": "Any risk", "elevated": "Elevated or highest", "highest": "Highest only"}


class FraudRule(Base):
    """The newest of an account holds; the others say what held before, and when.

    days: older payments are not refunded, because hardly anybody disputes them any more. from_risk: a name in LEVELS.
    counts_blocked: whoever is on the block list is refunded, whatever the risk.
    """

    __tablename__ = "fraud_rules"
    __table_args__ = (
        CheckConstraint(f"days BETWEEN 1 AND {MOST_DAYS}", name="days"),
        CheckConstraint(f"from_risk IN {tuple(LEVELS)}", name="from_risk"),
        Index(None, "account_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    days: Mapped[int]
    from_risk: Mapped[str]
    counts_blocked: Mapped[bool]
    set_by: Mapped[str]
    set_at: Mapped[datetime]
