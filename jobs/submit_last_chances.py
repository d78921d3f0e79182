"""Drafts whose last day has begun."""

from app.disputes import last_chance
from app.gateways.current import gateway
from jobs import stopping


def submit_last_chances() -> int:
    """Submit evidence that nobody sent, a day before its deadline, where the account wishes it."""
    return last_chance.submit_due(gateway().background, stop=stopping.requested.is_set)
