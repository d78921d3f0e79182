"""Money given back: all of it or a part, for every reason, and not always with success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.sandbox.errors import StripeError
from app.sandbox.resources import refunds
from app.sandbox.resources.currencies import THREE_DECIMAL
from app.sandbox.seed import bank
from app.sandbox.seed.shop import DAY

if TYPE_CHECKING:
    from app.sandbox.seed.shop import Shop

_REASONS = ("requested_by_customer", "", "duplicate", "fraudulent")
_NOTES = ("Arrived broken", "Changed their mind", "Wrong size", "Late", "Goodwill", "Ordered twice")


def give_back(shop: Shop, charge_id: str, mood: str | None = None) -> None:
    """Refund what is left of the charge, or a part; a disputed one is left alone. `mood`: pending or fail."""
    rng = shop.rng
    charge = shop.stage.require("charge", charge_id)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"] or left <= 0:
        return
    whole = rng.random() < 0.64
    reason = rng.choices(_REASONS, (66, 16, 11, 7))[0]
    params: dict[str, Any] = {"charge": charge_id, "metadata": {"note": rng.choice(_NOTES)}}
    if reason:
        params["reason"] = reason
    if not whole:
        step = 10 if charge["currency"] in THREE_DECIMAL else 1
        params["amount"] = str(min(max(int(left * rng.uniform(0.1, 0.7)) // step, 1) * step, left))
    mood = mood or rng.choices((None, "pending", "fail"), (92, 4, 4))[0]
    card = charge["payment_method_details"].get("card")
    try:
        with bank.says(card["fingerprint"] if card else "", **({"refund": mood} if mood else {})):
            shop.stage.call(refunds.create, params)
    except StripeError:
        return  # too late for a debit, or the money is gone: the desk would have seen the same refusal
    if not whole and rng.random() < 0.25:
        shop.after(rng.uniform(1, 9) * DAY, give_back, charge_id)


def give_back_newest(shop: Shop, mood: str | None) -> None:
    """A refund of the newest card payment that can bear one, so that even a small shop shows this kind."""
    for charge_id in reversed(shop.paid):
        charge = shop.stage.require("charge", charge_id)
        by_card = charge["payment_method_details"]["type"] == "card"
        if by_card and not charge["disputed"] and charge["amount_refunded"] == 0:
            give_back(shop, charge_id, mood)
            return
