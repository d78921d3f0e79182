"""Refunds of many payments at once."""

from app.gateways.current import gateway
from app.refunds.batches import running
from jobs import stopping


def run_refund_batches() -> int:
    """Work through the batches that were started, one payment after the other."""
    return running.run(gateway().background, stop=stopping.requested.is_set)
