"""What the shop sells: products with a price in each of its currencies."""

from __future__ import annotations

import random
from dataclasses import dataclass

from app.sandbox.params import Obj
from app.sandbox.resources.currencies import RATES, decimals
from app.sandbox.seed.countries import CURRENCIES
from app.sandbox.tx import Tx

# name, US dollars, how often it is bought, what it is
_GOODS = (
    ("Pour-over coffee set", 4_900, 8, "Glass server, dripper and forty filters."),
    ("Enamel mug", 1_600, 14, "Holds 350 ml and a lot of abuse."),
    ("House blend, 1 kg", 2_900, 16, "Washed arabica, roasted on Mondays."),
    ("Single origin, 250 g", 1_450, 15, "Changes with the harvest."),
    ("Hand grinder", 8_900, 5, "Steel burrs, forty clicks."),
    ("Milk pitcher", 2_200, 6, "600 ml, brushed steel."),
    ("Espresso cups, set of four", 3_800, 6, "Thick walls, no handles."),
    ("Kitchen scale", 3_400, 7, "Weighs to a tenth of a gram and keeps the time."),
    ("Gooseneck kettle", 7_900, 5, "Holds its temperature for an hour."),
    ("Travel press", 3_900, 5, "Brews on the way."),
    ("Cleaning tablets", 1_100, 9, "Sixty pieces."),
    ("Paper filters, 100", 850, 12, "Unbleached."),
    ("Barista course, online", 12_900, 3, "Six evenings, ends with a badge."),
    ("Gift card", 5_000, 4, "For somebody who has everything but coffee."),
    ("Espresso machine", 64_900, 1, "One group, two boilers."),
    ("Linen tea towel", 1_800, 6, "Gets better with every wash."),
)


@dataclass(frozen=True)
class Good:
    """`prices` in minor units by currency."""

    name: str
    product: str
    prices: dict[str, int]


@dataclass(frozen=True)
class Basket:
    """What somebody buys at once; `amount` in minor units."""

    amount: int
    currency: str
    goods: tuple[str, ...]


class Catalogue:
    def __init__(self, goods: list[Good]) -> None:
        self._goods = goods
        self._wanted = [row[2] for row in _GOODS]

    def basket(self, rng: random.Random, currency: str) -> Basket:
        """One to three different things, seldom two of one."""
        picked = rng.choices(self._goods, self._wanted, k=rng.choices((1, 2, 3), (58, 30, 12))[0])
        amount = sum(good.prices[currency] for good in picked)
        return Basket(amount, currency, tuple(good.name for good in picked))


def open_catalogue(tx: Tx) -> Catalogue:
    return Catalogue([_offer(tx, name, dollars, text) for name, dollars, _, text in _GOODS])


def _offer(tx: Tx, name: str, dollars: int, text: str) -> Good:
    product = _product(tx, name, text)
    prices = {currency: price_in(currency, dollars) for currency in CURRENCIES}
    made = [_price(tx, product["id"], currency, amount) for currency, amount in prices.items()]
    product["default_price"] = made[0]["id"]
    tx.put(product)
    for price in made:
        tx.put(price)
    return Good(name, product["id"], prices)


def price_in(currency: str, cents: int) -> int:
    """A price people would print: £38.50, ¥7,350, 15.250 KWD."""
    worth = cents / 100 * RATES[currency]
    step = {"jpy": 50, "kwd": 250}.get(currency, 50)
    return max(round(worth * float(10 ** decimals(currency)) / step), 1) * step


def _product(tx: Tx, name: str, text: str) -> Obj:
    return {
        "id": tx.new_id("prod_", 14),
        "object": "product",
        "active": True,
        "created": tx.now,
        "default_price": None,
        "description": text,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": tx.now,
        "url": None,
    }


def _price(tx: Tx, product: str, currency: str, amount: int) -> Obj:
    return {
        "id": tx.new_id("price_"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": tx.now,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
