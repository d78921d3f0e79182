"""What comes after the money: refunds, warnings and complaints, each decided by chance when the payment went well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sandbox.seed import complaining, refunding
from app.sandbox.seed.shop import DAY

if TYPE_CHECKING:
    from app.sandbox.seed.shop import Shop

REFUNDED = 0.04
DISPUTED = 0.0055
WARNED = 0.0025


def went_well(shop: Shop, charge: str) -> None:
    shop.paid.append(charge)
    rng = shop.rng
    if rng.random() < REFUNDED:
        shop.after(_days(shop, 5), refunding.give_back, charge)
    if rng.random() < DISPUTED:
        shop.after(_days(shop, 14), complaining.complain, charge)
    if rng.random() < WARNED:
        shop.after(_days(shop, 6), complaining.warn, charge)


def _days(shop: Shop, typical: float) -> float:
    """Seconds: seldom less than half, seldom more than four times the typical days."""
    return min(typical * shop.rng.lognormvariate(0, 0.8), 110) * DAY
