"""Test cards: what each number is and how it behaves. The table itself stands in `card_table`."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field, replace
from typing import Literal

LIVE = "test_mode_live_card"
Authentication = Literal["none", "optional", "required", "always", "unless_set_up", "set_up_already"]


@dataclass(frozen=True)
class TestCard:
    """One number. The words after `funding` say what happens; a plain card just pays.

    declines: key of DECLINES for every charge, and for saving the card unless `attaches` is set.
    authentication: `optional` only when asked for, `required` on-session, `always` every time, `unless_set_up` until a
    SetupIntent or a payment saved it, `set_up_already` never off-session.
    after_authentication: key of DECLINES once the customer passed 3-D Secure.
    dispute / warning: what the bank raises right after the payment. refund: `pending` or `fail`.
    """

    __test__ = False

    number: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    declines: str | None = None
    attaches: bool = False
    authentication: Authentication = "none"
    after_authentication: str | None = None
    dispute: str | None = None
    warning: bool = False
    refund: str | None = None
    bypass_pending: bool = False
    risk: str = "normal"
    checks: tuple[tuple[str, str], ...] = ()
    key: str = field(default="", compare=False)

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """The same for every PaymentMethod of this card, as at Stripe; from it a saved card finds its behaviour back."""
        return fingerprint(self.key or self.number)

    @property
    def refuses_saving(self) -> bool:
        return self.declines is not None and not self.attaches


@functools.lru_cache(maxsize=4096)
def fingerprint(secret: str) -> str:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = int.from_bytes(hashlib.sha256(f"sandbox card {secret}".encode()).digest()[:16], "big")
    text = ""
    for _ in range(16):
        number, rest = divmod(number, len(letters))
        text += letters[rest]
    return text


def passes_luhn(number: str) -> bool:
    total = 0
    for place, letter in enumerate(reversed(number)):
        digit = int(letter) * (1 + place % 2)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def by_number(number: str) -> TestCard:
    """The behaviour of a number; one that is no test card is declined as a live card would be in test mode."""
    from app.sandbox.resources.card_table import NUMBERS  # the table is made of TestCards

    known = NUMBERS.get(number)
    return known or TestCard(number, brand=brand_of(number), declines=LIVE, attaches=True, key=LIVE)


def by_alias(name: str) -> TestCard | None:
    """`pm_card_visa` and `tok_visa` are the same card."""
    from app.sandbox.resources.card_table import ALIASES

    for prefix in ("pm_card_", "tok_"):
        if name.startswith(prefix):
            return ALIASES.get(name.removeprefix(prefix))
    return None


def by_fingerprint(mark: str | None) -> TestCard:
    """The card behind a saved PaymentMethod; an unknown mark (put there by hand) is a plain card."""
    from app.sandbox.resources.card_table import FINGERPRINTS

    if mark == fingerprint(LIVE):
        return TestCard("0000000000000000", declines=LIVE, attaches=True, key=LIVE)
    return FINGERPRINTS.get(mark or "") or TestCard("4242424242424242")


def brand_of(number: str) -> str:
    for starts, brand in (
        (("34", "37"), "amex"),
        (("30", "36", "38"), "diners"),
        (("35",), "jcb"),
        (("60", "64", "65"), "discover"),
        (("62",), "unionpay"),
        (("5", "2"), "mastercard"),
    ):
        if number.startswith(starts):
            return brand
    return "visa"


def keyed(card: TestCard, key: str) -> TestCard:
    return replace(card, key=key)
