"""Customers as they come: a name, an address that fits, a card, and how much they like to buy."""

from __future__ import annotations

import random
import string
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from app.sandbox.params import Obj
from app.sandbox.seed.bank import Card, new_card
from app.sandbox.seed.countries import COUNTRIES, Country

DOMAINS = ("example.com", "example.com", "example.com", "example.org", "example.net")
_SHARES = [country.share for country in COUNTRIES]


@dataclass
class Buyer:
    """One customer. `id` is empty for a guest; `method` is the saved PaymentMethod, if any."""

    country: Country
    name: str
    email: str
    phone: str | None
    address: dict[str, str]
    card: Card
    by_debit: bool
    saves: bool
    id: str = ""
    method: str | None = None
    orders: int = 0
    gone: bool = False
    stays: bool = False
    billing: Obj = field(default_factory=dict)


def new_buyer(rng: random.Random, number: int) -> Buyer:
    country = rng.choices(COUNTRIES, _SHARES)[0] if number >= len(COUNTRIES) else COUNTRIES[number]
    first, last = (rng.choice(names).partition("|") for names in (country.first, country.last))
    name = f"{last[0]} {first[0]}" if country.code == "JP" else f"{first[0]} {last[0]}"
    mailed = ".".join(_latin(part[2] or part[0]) for part in (first, last))
    email = f"{mailed}{number}@{rng.choice(DOMAINS)}"
    town, postal, state = rng.choice(country.towns)
    street, house = rng.choice(country.streets), str(rng.randint(1, 189))
    address = {
        "line1": f"{house} {street}" if country.number_first else f"{street} {house}",
        "postal_code": filled(rng, postal),
        "city": town,
        "country": country.code,
    }
    if state:
        address["state"] = state
    if country.number_first and rng.random() < 0.15:
        address["line2"] = f"Apt {rng.randint(1, 40)}"
    phone = filled(rng, country.phone) if country.phone and rng.random() < 0.6 else None
    buyer = Buyer(
        country=country,
        name=name,
        email=email,
        phone=phone,
        address=address,
        card=new_card(rng, country),
        by_debit=rng.randrange(100) < country.debits,
        saves=rng.random() < 0.75,
    )
    buyer.billing = billing_of(buyer)
    return buyer


def billing_of(buyer: Buyer) -> Obj:
    blank: dict[str, Any] = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    home = {**blank, **buyer.address}
    return {"address": home, "email": buyer.email, "name": buyer.name, "phone": buyer.phone, "tax_id": None}


def filled(rng: random.Random, pattern: str) -> str:
    """`941##` → `94117`, `N1 #@@` → `N1 4QT`"""
    digits, letters = string.digits, "ABDEFGHJLNPQRSTUWXYZ"
    return "".join(
        rng.choice(digits) if sign == "#" else rng.choice(letters) if sign == "@" else sign for sign in pattern
    )


_SPELT = str.maketrans({"ß": "ss", "ł": "l", "ı": "i", "ø": "o", "æ": "ae"})


def _latin(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.lower().translate(_SPELT))
    return "".join(letter for letter in plain if letter.isascii() and (letter.isalnum() or letter == "-"))
