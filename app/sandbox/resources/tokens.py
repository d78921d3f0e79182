"""Tokens: a card in an envelope that opens once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.errors import invalid
from app.sandbox.params import Obj, allow, hash_of, text
from app.sandbox.resources.card_input import CardInput, read_card
from app.sandbox.resources.cards import TestCard
from app.sandbox.routes import route
from app.sandbox.tx import Tx

BRANDS = {
    "visa": "Visa",
    "mastercard": "MasterCard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


@route("POST", "/v1/tokens")
def create(tx: Tx) -> Obj:
    allow(tx.params, "card", "bank_account", "customer", "cvc_update", "person", "pii", "account")
    given = hash_of(tx.params, "card")
    if not given:
        raise invalid("You must supply a card to create a token in this sandbox.", param="card")
    token = {
        "id": tx.new_id("tok_"),
        "object": "token",
        "card": card_object(tx, read_card(tx, given), given),
        "client_ip": "127.0.0.1",
        "created": tx.now,
        "livemode": False,
        "type": "card",
        "used": False,
    }
    tx.put(token)
    return token


def card_object(tx: Tx, read: CardInput, given: Mapping[str, Any]) -> Obj:
    """The old `card` object: inside tokens and as a customer's source."""
    card, month, year, has_cvc = read
    home = {name: text(given, name) for name in ("address_city", "address_country", "address_line1")}
    home |= {name: text(given, name) for name in ("address_line2", "address_state", "address_zip", "name")}
    return {
        "id": tx.new_id("card_"),
        "object": "card",
        **home,
        "address_line1_check": _check(card, "address_line1", home["address_line1"]),
        "address_zip_check": _check(card, "address_postal_code", home["address_zip"]),
        "allow_redisplay": "unspecified",
        "brand": BRANDS[card.brand],
        "country": card.country,
        "cvc_check": dict(card.checks).get("cvc", "pass") if has_cvc else None,
        "dynamic_last4": None,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "last4": card.last4,
        "metadata": {},
        "networks": {"preferred": None},
        "regulated_status": "unregulated",
        "tokenization_method": None,
    }


def _check(card: TestCard, name: str, value: str | None) -> str | None:
    return dict(card.checks).get(name, "pass") if value else None
