"""What the shop sells: products with a price in each of its currencies."""

from __future__ import annotations

import random
from dataclasses import dataclass

from app.sandbox.billing import prices, products
from app.sandbox.seed import tariffs
from app.sandbox.seed.countries import CURRENCIES
from app.sandbox.seed.stage import Stage
from app.sandbox.seed.tariffs import Tariff, price_in

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
    def __init__(self, goods: list[Good], tariffs: list[Tariff]) -> None:
        self.tariffs = tariffs
        self._goods = goods
        self._wanted = [row[2] for row in _GOODS]

    def basket(self, rng: random.Random, currency: str) -> Basket:
        """One to three different things, seldom two of one."""
        picked = rng.choices(self._goods, self._wanted, k=rng.choices((1, 2, 3), (58, 30, 12))[0])
        amount = sum(good.prices[currency] for good in picked)
        return Basket(amount, currency, tuple(good.name for good in picked))


def open_catalogue(stage: Stage) -> Catalogue:
    return Catalogue(
        [_offer(stage, name, dollars, text) for name, dollars, _, text in _GOODS], tariffs.open_tariffs(stage)
    )


def _offer(stage: Stage, name: str, dollars: int, text: str) -> Good:
    product = stage.call(products.create, {"name": name, "description": text})["id"]
    amounts = {currency: price_in(currency, dollars) for currency in CURRENCIES}
    made = [
        stage.call(prices.create, {"product": product, "currency": currency, "unit_amount": str(amount)})["id"]
        for currency, amount in amounts.items()
    ]
    stage.call(products.update, {"default_price": made[0]}, id=product)
    return Good(name, product, amounts)
