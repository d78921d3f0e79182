"""What the shop chose for its billing: when failed payments are tried again, and what happens when all tries failed."""

from __future__ import annotations

from typing import Any

from app.sandbox.tx import Tx

DEFAULTS: dict[str, Any] = {"retry_days": [3, 5, 7], "after_retries": "cancel", "upcoming_days": 3}
AFTER = ("cancel", "unpaid", "past_due")


def retry_after(tx: Tx, failures: int) -> int | None:
    """Seconds until the next try after so many failed ones; None when it was the last."""
    days = _setting(tx, "retry_days")
    return int(days[failures - 1] * 86_400) if 0 < failures <= len(days) else None


def after_retries(tx: Tx) -> str:
    """`cancel`, `unpaid` or `past_due`: what becomes of the subscription."""
    return str(_setting(tx, "after_retries"))


def upcoming_days(tx: Tx) -> int:
    """How long before a renewal `invoice.upcoming` is sent; 0: never."""
    return int(_setting(tx, "upcoming_days"))


def _setting(tx: Tx, name: str) -> Any:
    return tx.world.settings.get("billing", {}).get(name, DEFAULTS[name])
