"""The card network's word that a payment looks stolen, before any dispute."""

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed


class EarlyFraudWarning(Listed, Base):
    """Copy of a Stripe early fraud warning (`issfr_…`). `actionable`: neither disputed nor fully refunded yet.

    fraud_type: card_never_received, fraudulent_card_application, made_with_counterfeit_card, made_with_lost_card,
    made_with_stolen_card, misc, unauthorized_use_of_card.
    """

    __tablename__ = "early_fraud_warnings"

    actionable: Mapped[bool]
    fraud_type: Mapped[str | None]
    charge_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (Index(None, "charge_id"), Index(None, "account_id", "actionable", "created_at"))
