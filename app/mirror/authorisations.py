"""How long a hold on a card lasts: Stripe's word where it gives one, else the shortest the networks allow."""

from datetime import datetime, timedelta

from app.mirror.fields import Obj, part, typed, when

# Stripe's page "Place a hold on a payment method". Visa's is the one for payments the shop started: of a payment nobody can tell
# who did, and a date too early costs a look, one too late costs the money.
_CARDS = {"visa": timedelta(days=4, hours=18)}
_OTHER_CARDS = timedelta(days=7)
_CARD_PRESENT = timedelta(days=2)
# Klarna 28, Affirm 30, Afterpay 13, PayPal 10: nobody loses money who acts within the week.
_OTHER_METHODS = timedelta(days=7)


def capture_before(charge: Obj) -> datetime | None:
    """When the hold of this charge ends by itself; None where nothing is held (any more)."""
    if charge.get("status") != "succeeded" or charge.get("captured") is True or charge.get("refunded") is True:
        return None
    return told(charge) or _by_the_rules(charge)


def told(charge: Obj) -> datetime | None:
    """Stripe's own word on it."""
    return when(typed(part(charge, "payment_method_details")).get("capture_before"))


def _by_the_rules(charge: Obj) -> datetime | None:
    made = when(charge.get("created"))
    method = part(charge, "payment_method_details")
    kind = method.get("type")
    if made is None:
        return None
    if kind == "card":
        return made + _CARDS.get(typed(method).get("brand") or "", _OTHER_CARDS)
    return made + (_CARD_PRESENT if kind == "card_present" else _OTHER_METHODS)
