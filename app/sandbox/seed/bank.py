"""The banks of our customers: cards they gave out, accounts they keep, and what they say today."""

from __future__ import annotations

import contextlib
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from app.sandbox.resources.card_table import FINGERPRINTS
from app.sandbox.resources.cards import TestCard
from app.sandbox.resources.ibans import EEA
from app.sandbox.seed.countries import Country

_STARTS = {
    "visa": ("4",),
    "mastercard": ("51", "52", "53", "54", "55", "2221"),
    "amex": ("34", "37"),
    "discover": ("6011", "65"),
    "diners": ("36",),
    "jcb": ("3528", "3566"),
}
_LENGTH = {"amex": 15, "diners": 14}
FUNDING = ("credit", "debit", "prepaid")

DECLINES = {
    "insufficient_funds": 44,
    "generic_decline": 15,
    "do_not_honor": 13,
    "incorrect_cvc": 6,
    "expired_card": 5,
    "card_velocity_exceeded": 3,
    "processing_error": 3,
    "transaction_not_allowed": 3,
    "highest_risk_level": 2,
    "lost_card": 2,
    "stolen_card": 1,
    "fraudulent": 1,
    "pickup_card": 1,
    "revocation_of_authorization": 1,
}
"""Why banks refuse, of a hundred refusals."""

NEEDS_ANOTHER_CARD = frozenset(
    (
        *("expired_card", "transaction_not_allowed", "highest_risk_level", "lost_card", "stolen_card", "fraudulent"),
        *("pickup_card", "revocation_of_authorization"),
    )
)

FAILING_IBANS = ("AT861904300235473202", "DE62370400440532013001", "AT981904300002222227")
"""Stripe's test accounts whose debits come back."""

_BBAN = {
    "DE": "##################",
    "AT": "################",
    "NL": "@@@@##########",
    "FR": "#######################",
    "ES": "####################",
    "IT": "@######################",
    "BE": "############",
    "IE": "@@@@##############",
}


@dataclass(frozen=True)
class Card:
    """A card as the seed knows it; `mark` is its fingerprint. The number is made up and nowhere kept whole."""

    made_of: TestCard
    mark: str
    month: int
    year: int | None = None


def new_card(rng: random.Random, country: Country) -> Card:
    brand = rng.choices([name for name, _ in country.brands], [share for _, share in country.brands])[0]
    start = rng.choice(_STARTS[brand])
    number = start + "".join(rng.choices(string.digits, k=_LENGTH.get(brand, 16) - len(start)))
    made_of = TestCard(
        number,
        brand=brand,
        country=country.code,
        funding="credit" if brand in ("amex", "diners") else rng.choices(FUNDING, (58, 38, 4))[0],
        key=f"{number} of nobody",
    )
    return Card(made_of, made_of.fingerprint, rng.randint(1, 12))


def new_iban(rng: random.Random, country: str, *, failing: bool) -> str:
    """A well-formed account number, its bank made up."""
    if failing:
        return rng.choice(FAILING_IBANS)
    pattern = _BBAN[country]
    bban = "".join(rng.choice(string.digits) if sign == "#" else rng.choice(string.ascii_uppercase) for sign in pattern)
    digits = "".join(str(int(letter, 36)) for letter in f"{bban}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{bban}"


@contextlib.contextmanager
def says(mark: str, **mood: Any) -> Iterator[None]:
    """What the card's bank does while this lasts, in the words of `TestCard`: declines, authentication, refund, risk."""
    if not mood:
        yield
        return
    FINGERPRINTS[mark] = replace(TestCard("4242424242424242"), **mood)
    try:
        yield
    finally:
        del FINGERPRINTS[mark]


def mood(rng: random.Random, country: str, *, refuses: float, on_session: bool) -> dict[str, Any]:
    """Today's answer: `refuses` is the chance of a no. Europe asks its customers to prove who they are."""
    if rng.random() < refuses:
        return {"declines": rng.choices(list(DECLINES), list(DECLINES.values()))[0]}
    if on_session and rng.random() < (0.11 if country in EEA or country == "GB" else 0.02):
        return {"authentication": "required"}
    return {"risk": "elevated"} if rng.random() < 0.02 else {}
