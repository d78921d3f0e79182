"""Reading a card out of a request: a number or a token, checked the way Stripe checks it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.sandbox.errors import StripeError, missing, no_such
from app.sandbox.params import allow, text
from app.sandbox.resources.cards import TestCard, by_alias, by_fingerprint, by_number, passes_luhn
from app.sandbox.tx import Tx

CardInput = tuple[TestCard, int, int, bool]

FIELDS = (
    "number", "exp_month", "exp_year", "cvc", "token", "networks", "currency", "name", "address_line1", "address_line2",
    "address_city", "address_state", "address_zip", "address_country", "object",
)  # fmt: skip


def read_card(tx: Tx, given: Mapping[str, Any]) -> CardInput:
    """(card, month, year, whether a security code came along)"""
    allow(given, *FIELDS)
    token = text(given, "token")
    if token:
        return from_token(tx, token)
    for name in ("number", "exp_month", "exp_year"):
        if not given.get(name):
            raise missing(f"card[{name}]")
    number = "".join(str(given["number"]).split()).replace("-", "")
    if not number.isdigit() or not 12 <= len(number) <= 19 or not passes_luhn(number):
        raise _wrong("incorrect_number", "Your card number is incorrect.", "number")
    month, year = check_expiry(tx, str(given["exp_month"]), str(given["exp_year"]))
    code = text(given, "cvc")
    if code is not None and not (code.isdigit() and len(code) in (3, 4)):
        raise _wrong("invalid_cvc", "Your card's security code is invalid.", "cvc")
    return by_number(number), month, year, code is not None


def from_token(tx: Tx, token: str) -> CardInput:
    """`tok_visa` and its like, or a token made by `POST /v1/tokens`, which works once."""
    card = by_alias(token) if token.startswith("tok_") else None
    if card:
        return card, 12, datetime.fromtimestamp(tx.now, UTC).year + 1, True
    made = tx.get("token", token, lock=True)
    if made is None or made["type"] != "card":
        raise no_such("token", token, param="token", status=400)
    if made["used"]:
        raise StripeError(
            f"You cannot use a Stripe token more than once: {token}.", code="token_already_used", param="token"
        )
    tx.put({**made, "used": True})
    kept = made["card"]
    return by_fingerprint(kept["fingerprint"]), kept["exp_month"], kept["exp_year"], kept["cvc_check"] is not None


def check_expiry(tx: Tx, month: str, year: str) -> tuple[int, int]:
    if not month.isdigit() or not 1 <= int(month) <= 12:
        raise _wrong("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    today = datetime.fromtimestamp(tx.now, UTC)
    full = int(year) + (2000 if len(year) == 2 else 0) if year.isdigit() else 0
    if not today.year <= full <= today.year + 50:
        raise _wrong("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    if (full, int(month)) < (today.year, today.month):
        raise _wrong("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    return int(month), full


def _wrong(code: str, message: str, param: str) -> StripeError:
    return StripeError(message, status=402, type="card_error", code=code, param=param, keep=True)
