"""Customers sign up, save a card or a bank account, buy for the first time; a few leave again."""

from __future__ import annotations

from app.sandbox.errors import StripeError
from app.sandbox.params import Obj
from app.sandbox.resources import customers, setup_intents
from app.sandbox.seed import bank, paying
from app.sandbox.seed.people import Buyer, new_buyer
from app.sandbox.seed.shop import HOUR, Shop

SOURCES = ("search", "newsletter", "friend", "market", "social")


def sign_up(shop: Shop, buyer: Buyer) -> None:
    """A new customer. Most buy within the hour."""
    rng = shop.rng
    params = {
        "name": buyer.name,
        "email": buyer.email,
        "address": buyer.address,
        "preferred_locales": [buyer.country.locale],
        "metadata": {"shop_id": str(50_000 + len(shop.buyers)), "source": rng.choice(SOURCES)},
        **({"phone": buyer.phone} if buyer.phone else {}),
        **({"shipping": {"name": buyer.name, "address": buyer.address}} if rng.random() < 0.5 else {}),
    }
    buyer.id = shop.stage.call(customers.create, params)["id"]
    shop.welcome(buyer)
    if buyer.by_debit:
        shop.after(rng.randint(30, 600), save_account, buyer)
    elif buyer.saves and rng.random() < 0.2:
        shop.after(rng.randint(30, 600), save_card, buyer)
    if rng.random() < 0.88:
        shop.after(rng.randint(700, 2 * HOUR), paying.buy, buyer)


def save_account(shop: Shop, buyer: Buyer) -> None:
    """A SetupIntent with a mandate."""
    buyer.method = paying.new_debit_method(shop, buyer)
    agreed = {"ip_address": f"203.0.113.{shop.rng.randint(1, 254)}", "user_agent": "Mozilla/5.0"}
    set_up(shop, buyer, buyer.method, mandate_data={"customer_acceptance": {"type": "online", "online": agreed}})
    shop.stage.pinned.add(buyer.method)


def save_card(shop: Shop, buyer: Buyer) -> None:
    """A SetupIntent; banks refuse some cards already here, and some customers never finish."""
    method = paying.new_card_method(shop, buyer, buyer.card)
    dice = shop.rng.random()
    mood = {"declines": "generic_decline"} if dice < 0.06 else {"authentication": "required"} if dice < 0.1 else {}
    with bank.says(buyer.card.mark, **mood):
        try:
            intent = set_up(shop, buyer, method)
        except StripeError as refusal:
            if not refusal.commit:
                raise
            return
    if intent["status"] == "succeeded":
        make_default(shop, buyer, method)
    elif dice < 0.08:
        shop.stage.call(setup_intents.cancel, {"cancellation_reason": "abandoned"}, id=intent["id"])


def set_up(shop: Shop, buyer: Buyer, method: str, **more: Obj) -> Obj:
    """A SetupIntent that is confirmed at once."""
    params = {
        "customer": buyer.id,
        "payment_method": method,
        "automatic_payment_methods": paying.AUTOMATIC,
        "confirm": "true",
        **more,
    }
    return shop.stage.call(setup_intents.create, params)


def make_default(shop: Shop, buyer: Buyer, method: str) -> None:
    """Invoices are charged to this method from now on."""
    shop.stage.call(customers.update, {"invoice_settings": {"default_payment_method": method}}, id=buyer.id)
    buyer.method = method
    shop.stage.pinned.add(method)


def stranger(shop: Shop) -> Buyer:
    """A guest: somebody who pays without becoming a customer."""
    guest = new_buyer(shop.rng, shop.rng.randint(100_000, 999_999))
    guest.by_debit = guest.saves = False
    return guest


def come_by(shop: Shop, buyer: Buyer | None) -> None:
    """A purchase: this buyer's, or on the first morning that of whoever is there by now."""
    buyer = buyer or shop.somebody()
    if buyer is not None and not buyer.gone:
        paying.buy(shop, buyer)


def leave(shop: Shop) -> None:
    """Somebody wants to be forgotten: saved methods go, payments stay."""
    buyer = shop.somebody()
    if buyer is not None and buyer.orders and not buyer.by_debit and not buyer.stays:
        buyer.gone = True
        shop.stage.call(customers.delete, {}, id=buyer.id)
