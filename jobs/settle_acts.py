"""Acts whose answer never came."""

from app.acts.recovery import recover
from app.acts.registry import kinds
from app.gateways.current import gateway


def settle_acts() -> int:
    """Find out what became of everything else that was asked of Stripe and not answered."""
    return recover(gateway().background, kinds())
