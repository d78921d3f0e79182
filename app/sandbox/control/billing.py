"""`/_control/billing`: what the shop chose for failed payments."""

from __future__ import annotations

from typing import Any

from app.sandbox.ask import Ask
from app.sandbox.billing import settings
from app.sandbox.errors import invalid
from app.sandbox.routes import route


@route("GET", "/_control/billing")
def show(ask: Ask) -> dict[str, Any]:
    return {**settings.DEFAULTS, **ask.sandbox.world.settings.get("billing", {})}


@route("POST", "/_control/billing")
def change(ask: Ask) -> dict[str, Any]:
    """{"retry_days": [1, 3, 5, 7], "after_retries": "cancel" | "unpaid" | "past_due", "upcoming_days": 3}"""
    strange = set(ask.given) - set(settings.DEFAULTS)
    if strange:
        raise invalid(f"Settings are {', '.join(settings.DEFAULTS)}.", param=min(strange))
    if ask.given.get("after_retries", "cancel") not in settings.AFTER:
        raise invalid(f"after_retries is one of {', '.join(settings.AFTER)}.", param="after_retries")
    days = ask.given.get("retry_days", [])
    if not isinstance(days, list) or any(not isinstance(day, int | float) or day <= 0 for day in days):
        raise invalid("retry_days is a list of days.", param="retry_days")
    ask.sandbox.world.remember("billing", ask.sandbox.world.settings.get("billing", {}) | ask.given)
    return show(ask)
