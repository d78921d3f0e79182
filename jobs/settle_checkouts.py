"""Payments by link whose payer never came back from Stripe's page."""

from app.checkout import paying
from app.gateways.current import gateway


def settle_checkouts() -> int:
    """Take over what became of visits to Stripe's payment page, and close pages of links that are over."""
    return paying.settle_all(gateway().background)
