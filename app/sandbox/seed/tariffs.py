"""What the shop sells by subscription: products with a recurring price in each currency it can be had in."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from app.sandbox.billing import prices, products
from app.sandbox.resources.currencies import RATES, decimals
from app.sandbox.seed.stage import Stage

CURRENCIES = ("usd", "eur", "gbp", "jpy")

# product, what it is, its prices: (name, US cents, interval, how many of them, how often it is bought)
_PRODUCTS = (
    (
        "Coffee club",
        "Two bags of whatever is best this month.",
        (("Monthly", 2_900, "month", 1, 40), ("Yearly", 29_000, "year", 1, 12)),
    ),
    (
        "Fresh every week",
        "One bag, roasted on Monday, in the letterbox on Wednesday.",
        (("Weekly", 1_350, "week", 1, 7),),
    ),
    (
        "Barista school",
        "Every course, and somebody to ask.",
        (("Monthly", 1_900, "month", 1, 18), ("Quarterly", 4_900, "month", 3, 5)),
    ),
    (
        "Office coffee",
        "Beans, filters and a machine that is looked after, for each ten people.",
        (("Monthly", 8_900, "month", 1, 15), ("Yearly", 89_000, "year", 1, 3)),
    ),
)
_TRIED_FIRST = {"Barista school": 14, "Coffee club": 7}
_BY_SEATS = ("Office coffee",)


@dataclass(frozen=True)
class Tariff:
    """`prices` are ids by currency; `trial` is the days that may be free."""

    product: str
    interval: str
    wanted: int
    trial: int
    by_seats: bool
    prices: dict[str, str]


def open_tariffs(stage: Stage) -> list[Tariff]:
    found = []
    for name, text, ways in _PRODUCTS:
        product = stage.call(products.create, {"name": name, "description": text})["id"]
        for nickname, cents, interval, count, wanted in ways:
            made = {
                currency: _price(stage, product, nickname, currency, cents, interval, count) for currency in CURRENCIES
            }
            found.append(Tariff(name, interval, wanted, _TRIED_FIRST.get(name, 0), name in _BY_SEATS, made))
            if nickname == ways[0][0]:
                stage.call(products.update, {"default_price": made["usd"]}, id=product)
    return found


def choose(rng: random.Random, tariffs: Sequence[Tariff], *, interval: str | None = None) -> Tariff:
    able = [one for one in tariffs if interval in (None, one.interval)]
    return rng.choices(able, [one.wanted for one in able])[0]


def price_in(currency: str, cents: int) -> int:
    """A price people would print: £38.50, ¥7,350, 15.250 KWD."""
    worth = cents / 100 * RATES[currency]
    step = {"jpy": 50, "kwd": 250}.get(currency, 50)
    return max(round(worth * float(10 ** decimals(currency)) / step), 1) * step


def _price(  # noqa: PLR0913, PLR0917
    stage: Stage, product: str, nickname: str, currency: str, cents: int, interval: str, count: int
) -> str:
    given = {
        "product": product,
        "nickname": f"{nickname}, {currency.upper()}",
        "currency": currency,
        "unit_amount": str(price_in(currency, cents)),
        "recurring": {"interval": interval, "interval_count": str(count)},
    }
    return str(stage.call(prices.create, given)["id"])
