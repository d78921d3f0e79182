"""Refunds whose answer never came."""

from app.gateways.current import gateway
from app.refunds.recovery import recover


def settle_refunds() -> int:
    """Find out what became of refunds that were asked for and not answered."""
    return recover(gateway().background)
