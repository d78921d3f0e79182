"""How lists about risk say things."""

from dataclasses import dataclass

from app.models.block_list_item import BlockListItem
from app.models.charge import Charge
from app.models.review import Review
from app.web.columns import personal

_BECAUSE = {
    "highest_risk_level": "Highest risk",
    "rule": "A rule of the shop",
    "merchant_blacklist": "The shop's block list",
}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review with its payment, if that has arrived."""

    review: Review
    charge: Charge | None

    @property
    def risk(self) -> str | None:
        level = self.charge.risk_level if self.charge else None
        return level.replace("_", " ").capitalize() if level else None

    @property
    def opened_by(self) -> str:
        return "A person" if self.review.opened_reason == "manual" else "A rule"


def blocked_because(charge: Charge) -> str | None:
    reason = charge.outcome_reason or charge.failure_code
    return _BECAUSE.get(reason or "") or (reason.replace("_", " ").capitalize() if reason else None)


def as_choice(charge: Charge, item_type: str, value: str) -> str:
    """What of a payment can be blocked, in words; an address as far as this person may see it."""
    if item_type == "card_fingerprint":
        brand = (charge.brand or "card").replace("_", " ").capitalize()
        return f"The card, {brand} ending in {charge.last4}" if charge.last4 else "The card"
    return f"The e-mail address {personal(value)}" if item_type == "email" else f"The customer {value}"


def shown(item: BlockListItem) -> str | None:
    """An address as far as this person may see it."""
    return personal(item.value) if item.item_type == "email" else item.value
