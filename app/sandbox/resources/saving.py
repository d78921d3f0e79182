"""When a PaymentMethod may be saved or used again."""

from __future__ import annotations

from app.sandbox.errors import StripeError
from app.sandbox.params import Obj
from app.sandbox.resources.cards import by_fingerprint
from app.sandbox.resources.declines import DECLINES, Decline
from app.sandbox.tx import Tx

SPENT = (
    "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and "
    "may not be used again."
)


def is_spent(tx: Tx, method: Obj) -> bool:
    """Detached, or used once without a customer."""
    return method["customer"] is None and tx.get("sandbox.spent", method["id"]) is not None


def spend(tx: Tx, method: Obj) -> None:
    """A guest's payment went through: this PaymentMethod has had its one use."""
    if method["customer"] is None:
        tx.put({"object": "sandbox.spent", "id": method["id"]})


def check_saving(method: Obj) -> None:
    """Ask the bank whether the card may be kept: every declining card is refused but the one that fails later."""
    if method["type"] != "card":
        return
    card = by_fingerprint(method["card"]["fingerprint"])
    if card.declines and card.refuses_saving:
        raise refusal(DECLINES[card.declines])


def refusal(decline: Decline, *, commit: bool = False, param: str | None = None, **extra: object) -> StripeError:
    """402 card_error."""
    advice = {"advice_code": decline.advice} if decline.advice else {}
    network = {"network_decline_code": decline.network_code} if decline.network_code else {}
    return StripeError(
        decline.message,
        status=402,
        type="card_error",
        code=decline.code,
        decline_code=decline.decline_code,
        param=param,
        commit=commit,
        keep=True,
        **advice,
        **network,
        **extra,
    )
