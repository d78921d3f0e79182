"""Refunds whose answer never came."""

from app.gateways.current import gateway
from app.refunds import credit_notes
from app.refunds.recovery import recover


def settle_refunds() -> int:
    """Find out what became of refunds that were not answered, and write the credit notes that go with refunds."""
    return recover(gateway().background) + credit_notes.write_wanted(gateway().background)
