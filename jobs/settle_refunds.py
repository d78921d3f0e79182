"""Refunds whose answer never came."""

from app.gateways.current import gateway
from app.refunds import credit_notes, traces
from app.refunds.recovery import recover


def settle_refunds() -> int:
    """Find out what became of refunds that were not answered, and write credit notes and trace numbers."""
    settled = recover(gateway().background) + credit_notes.write_wanted(gateway().background)
    return settled + traces.tell_new()
