"""One purchase from the basket to the money, or to giving up: every step is the API's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.sandbox.errors import StripeError
from app.sandbox.params import Obj
from app.sandbox.resources import customer_acts, payment_intents
from app.sandbox.resources.currencies import THREE_DECIMAL
from app.sandbox.resources.method_making import of_bank, of_card
from app.sandbox.seed import bank
from app.sandbox.seed.aftermath import went_well
from app.sandbox.seed.bank import Card
from app.sandbox.seed.catalogue import Basket
from app.sandbox.seed.people import Buyer
from app.sandbox.seed.shop import DAY, HOUR, Shop

FIRST_REFUSAL = 0.063
NEXT_REFUSAL = 0.34
MOST_TRIES = 4
AUTOMATIC = {"enabled": "true", "allow_redirects": "never"}


@dataclass
class Payment:
    """A PaymentIntent on its way. `method` is the id of what it is tried with now."""

    buyer: Buyer
    card: Card
    method: str
    params: dict[str, Any]
    intent: str = ""
    tries: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


def buy(shop: Shop, buyer: Buyer) -> None:
    """Somebody fills a basket; three of a hundred leave it standing."""
    basket = shop.catalogue.basket(shop.rng, buyer.country.currency)
    buyer.orders += 1
    params = _order(shop, buyer, basket)
    if shop.rng.random() < 0.03:
        intent = shop.stage.call(payment_intents.create, params)
        if shop.rng.random() < 0.6:
            shop.after(DAY, give_up, intent["id"])
        return
    method = buyer.method or new_card_method(shop, buyer, buyer.card)
    payment = Payment(buyer, buyer.card, method, params)
    if buyer.id and buyer.saves and not buyer.method:
        payment.extra["setup_future_usage"] = "off_session"
    if not buyer.by_debit and shop.rng.random() < 0.018:
        payment.extra["capture_method"] = "manual"
    attempt(shop, payment)


def attempt(shop: Shop, payment: Payment) -> None:
    """Ask the bank once."""
    refuses = NEXT_REFUSAL if payment.tries else FIRST_REFUSAL
    payment.tries += 1
    mood: dict[str, Any] = {}
    if not payment.buyer.by_debit or payment.method != payment.buyer.method:
        on_session = payment.method != payment.buyer.method
        mood = bank.mood(shop.rng, payment.buyer.country.code, refuses=refuses, on_session=on_session)
    try:
        with bank.says(payment.card.mark, **mood):
            intent = _ask(shop, payment)
    except StripeError as refusal:
        if not refusal.commit:
            raise
        payment.intent = refusal.extra["payment_intent"]["id"]
        _refused(shop, payment, mood["declines"])
        return
    payment.intent = intent["id"]
    _asked(shop, payment, intent)


def _ask(shop: Shop, payment: Payment) -> Obj:
    how = {"payment_method": payment.method}
    if payment.intent:
        return shop.stage.call(payment_intents.confirm_route, how, id=payment.intent)
    return shop.stage.call(payment_intents.create, {**payment.params, **payment.extra, **how, "confirm": "true"})


def _asked(shop: Shop, payment: Payment, intent: Obj) -> None:
    status = intent["status"]
    if status == "requires_action":
        if shop.rng.random() < 0.94:
            shop.after(shop.rng.randint(12, 200), authenticate, payment)
        elif shop.rng.random() < 0.6:
            shop.after(DAY, give_up, intent["id"])
    elif status == "requires_capture":
        _plan_capture(shop, payment, intent)
    elif status == "processing":
        shop.after(6 * DAY, look_after_debit, payment)
    elif status == "succeeded":
        _remember_method(shop, payment)
        went_well(shop, intent["latest_charge"])


def authenticate(shop: Shop, payment: Payment) -> None:
    """The customer comes back from the bank's page."""
    passed = shop.rng.random() < 0.93
    with bank.says(payment.card.mark, authentication="required"):
        intent = customer_acts.authenticate(shop.stage, payment.intent, passed=passed)
    if intent["status"] == "requires_payment_method":
        _refused(shop, payment, "authentication_failed")
    else:
        _asked(shop, payment, intent)


def _refused(shop: Shop, payment: Payment, why: str) -> None:
    """Most people try again: sooner with another card, later when the account was empty."""
    if payment.tries >= MOST_TRIES or shop.rng.random() > 0.72:
        if shop.rng.random() < 0.4:
            shop.after(DAY, give_up, payment.intent)
        return
    if why in bank.NEEDS_ANOTHER_CARD or shop.rng.random() < 0.35:
        shop.after(shop.rng.randint(40, 900), _try_another_card, payment)
    elif why == "insufficient_funds":
        shop.after(shop.rng.uniform(0.3, 4) * DAY, attempt, payment)
    else:
        shop.after(shop.rng.randint(20, 3 * HOUR), attempt, payment)


def _try_another_card(shop: Shop, payment: Payment) -> None:
    payment.card = bank.new_card(shop.rng, payment.buyer.country)
    payment.method = new_card_method(shop, payment.buyer, payment.card)
    attempt(shop, payment)


def give_up(shop: Shop, intent: str) -> None:
    """The shop tidies up what nobody finished."""
    found = shop.stage.require("payment_intent", intent)
    if found["status"] in ("requires_payment_method", "requires_confirmation", "requires_action"):
        shop.stage.call(payment_intents.cancel, {"cancellation_reason": "abandoned"}, id=intent)


def look_after_debit(shop: Shop, payment: Payment) -> None:
    """The bank has answered by now. Whose debit came back pays by card from then on."""
    intent = shop.stage.require("payment_intent", payment.intent)
    if intent["status"] == "succeeded":
        went_well(shop, intent["latest_charge"])
    elif intent["status"] == "requires_payment_method":
        payment.buyer.by_debit, payment.buyer.method = False, None
        _try_another_card(shop, payment)


def _plan_capture(shop: Shop, payment: Payment, intent: Obj) -> None:
    """Most are captured when the goods leave, a few for less than was held; some run out after a week."""
    _remember_method(shop, payment)
    dice = shop.rng.random()
    wait = shop.rng.uniform(0.2, 4) * DAY
    if dice < 0.84:
        share = shop.rng.uniform(0.4, 0.9) if shop.rng.random() < 0.25 else 1.0
        shop.after(wait, capture, intent["id"], part_of(intent["amount"], share, intent["currency"]))
    elif dice < 0.9:
        shop.after(wait, release, intent["id"])


def capture(shop: Shop, intent: str, amount: int) -> None:
    taken = shop.stage.call(payment_intents.capture, {"amount_to_capture": str(amount)}, id=intent)
    went_well(shop, taken["latest_charge"])


def release(shop: Shop, intent: str) -> None:
    shop.stage.call(payment_intents.cancel, {"cancellation_reason": "requested_by_customer"}, id=intent)


def new_card_method(shop: Shop, buyer: Buyer, card: Card) -> str:
    """A PaymentMethod of this card, stored and unsaved."""
    year = 1970 + shop.now // 31_556_952 + 1 + card.month % 4
    method = of_card(shop.stage, (card.made_of, card.month, year, True), billing=buyer.billing, given={})
    shop.stage.put(method)
    return str(method["id"])


def new_debit_method(shop: Shop, buyer: Buyer) -> str:
    iban = bank.new_iban(shop.rng, buyer.country.code, failing=shop.rng.random() < 0.09)
    method = of_bank(shop.stage, iban, billing=buyer.billing, given={})
    shop.stage.put(method)
    return str(method["id"])


def _remember_method(shop: Shop, payment: Payment) -> None:
    """Saved with the first payment; other cards that were tried meanwhile are the customer's too."""
    if "setup_future_usage" in payment.extra:
        payment.buyer.method, payment.buyer.card = payment.method, payment.card
        shop.stage.pinned.add(payment.method)


def part_of(amount: int, share: float, currency: str) -> int:
    """A share that the currency can express, at least its smallest step."""
    step = 10 if currency in THREE_DECIMAL else 1
    return max(int(amount * share) // step, 1) * step


def _order(shop: Shop, buyer: Buyer, basket: Basket) -> dict[str, Any]:
    number = shop.next_order()
    return {
        "amount": str(basket.amount),
        "currency": basket.currency,
        "automatic_payment_methods": AUTOMATIC,
        "description": f"Order {number}: {', '.join(basket.goods)}"[:200],
        "metadata": {"order_id": number, "channel": shop.rng.choice(("web", "web", "web", "app", "phone"))},
        "receipt_email": buyer.email,
        "shipping": {"name": buyer.name, "address": buyer.address},
        **({"customer": buyer.id} if buyer.id else {}),
    }
