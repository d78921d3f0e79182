"""Early fraud warnings that something else has ended."""

from app.risk import fraud_warnings
from jobs import stopping


def settle_fraud_warnings() -> int:
    """Resolve early fraud warnings whose payment was refunded or disputed, here or elsewhere, or that are over at Stripe."""
    return fraud_warnings.settle(stop=stopping.requested.is_set)
