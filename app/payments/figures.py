"""The figures on top of a payment intent's page."""

from typing import Any

from app.models.payment_intent import PaymentIntent
from app.money import Money


def strip(intent: PaymentIntent) -> list[dict[str, Any]]:
    """What was asked for, what is held, what was taken, what was let go."""
    figures = [_figure("Asked for", intent.total)]
    if intent.is_held:
        figures.append(_figure("Held", intent.capturable, tone="wait", hint="not yet taken"))
    if intent.received:
        figures.append(_figure("Taken", intent.received, tone="good"))
    if intent.released:
        figures.append(_figure("Released", intent.released, hint="held, never taken"))
    return figures


def _figure(label: str, money: Money, **more: str) -> dict[str, Any]:
    return {"label": label, "minor": money.minor, "currency": money.currency, **more}
