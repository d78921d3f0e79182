"""The card network's word that a payment looks stolen, before any dispute."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped

from app.database import Base
from app.models.mirrored import Listed

# resolution → what it says. Read it like a table.
RESOLUTIONS: dict[str, str] = {
    "refunded": "Refunded",
    "refunded_in_part": "Refunded in part",
    "ignored": "Ignored",
    "disputed": "Disputed",
    "customer_confirmed": "Confirmed by the customer",
    "not_actionable": "Not actionable any more",
}
# What a person says, with words; the others follow from what Stripe tells of the payment.
BY_PERSONS = ("refunded_in_part", "ignored", "customer_confirmed")
OPEN, SETTLING = "open", "settling"


class EarlyFraudWarning(Listed, Base):
    """Copy of a Stripe early fraud warning (`issfr_…`). `actionable`: neither disputed nor fully refunded yet.

    fraud_type: card_never_received, fraudulent_card_application, made_with_counterfeit_card, made_with_lost_card,
    made_with_stolen_card, misc, unauthorized_use_of_card.
    resolution, resolved_…: what became of it here, of which Stripe knows nothing. Once there is one, a trigger lets nobody
    change or delete it; only its words can go, with the person they are about.
    """

    __tablename__ = "early_fraud_warnings"

    actionable: Mapped[bool]
    fraud_type: Mapped[str | None]
    charge_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    resolution: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    resolved_words: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "charge_id"),
            Index(None, "account_id", "actionable", "created_at"),
            Index(
                "ix_early_fraud_warnings_unresolved",
                *("account_id", "created_at", "id"),
                postgresql_where=text("resolution IS NULL"),
            ),
            CheckConstraint(f"resolution IN {tuple(RESOLUTIONS)}", name="resolution"),
            CheckConstraint(
                "(resolution IS NULL) = (resolved_at IS NULL) AND (resolution IS NULL) = (resolved_by IS NULL)",
                name="resolved",
            ),
            CheckConstraint(
                # Nothing of it may be NULL, or the check would let it pass.
                f"CASE WHEN coalesce(resolution, '') IN {BY_PERSONS} THEN length(trim(coalesce(resolved_words, ''))) > 0"
                " ELSE resolved_words IS NULL END",
                name="words",
            ),
        )

    @classmethod
    def to_work(cls) -> Any:
        """The condition of those that wait for a person."""
        return cls.resolution.is_(None) & cls.actionable

    @property
    def state(self) -> str:
        """open: somebody has to decide; settling: it is over at Stripe, and soon here; else its resolution."""
        return self.resolution or (OPEN if self.actionable else SETTLING)

    @property
    def says(self) -> str:
        """What the network said, in words."""
        return (self.fraud_type or "misc").replace("_", " ").capitalize()
