"""Payments by link whose payer never came back from Stripe's page."""

from app.checkout import settling
from app.gateways.current import gateway


def settle_checkouts() -> int:
    """Take over what became of visits to Stripe's payment page, and close pages of links that are over."""
    return settling.settle_all(gateway().background)
