"""Test data that a page fills in at the press of a link, so that nobody has to type card numbers."""

from __future__ import annotations

CARDS = (
    ("Pays", "4242424242424242"),
    ("Asks for 3-D Secure", "4000002760003184"),
    ("Declined", "4000000000000002"),
    ("No funds", "4000000000009995"),
    ("Declined after 3-D Secure", "4000008400001629"),
    ("Disputed afterwards", "4000000000000259"),
    ("Fraud warning afterwards", "4000000000005423"),
    ("Refunds fail later", "4000000000005126"),
)
IBANS = (
    ("Pays", "AT611904300234573201"),
    ("Pays after three minutes", "AT321904300235473204"),
    ("Not paid", "AT861904300235473202"),
    ("No funds", "AT981904300002222227"),
    ("Paid, then disputed", "AT591904300235473203"),
)
ACH = (
    ("Pays", "000123456789"),
    ("Account closed", "000111111113"),
    ("No funds", "000222222227"),
    ("Paid, then disputed", "000555555559"),
)
BACS = (
    ("Pays", "00012345"),
    ("Not authorised", "33333335"),
    ("No funds", "22222227"),
    ("Mandate refused", "00033333"),
    ("Paid, then disputed", "55555559"),
)
FILLS = {"card": CARDS, "sepa_debit": IBANS, "us_bank_account": ACH, "bacs_debit": BACS}
SOMEBODY = {"name": "Jenny Rosen", "email": "jenny@example.com"}
SOMEWHERE = {"line1": "Hauptstraße 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}


def typed(kind: str, number: str) -> dict[str, str]:
    """The form as if somebody had typed this test number; nothing for a number that is not offered."""
    if number not in {value for _, value in FILLS.get(kind, ())}:
        return {}
    fields = {
        "card": {"number": number, "expiry": "12 / 40", "cvc": "123"},
        "sepa_debit": {"iban": number},
        "us_bank_account": {"routing_number": "110000000", "ach_number": number},
        "bacs_debit": {"sort_code": "108800", "bacs_number": number},
    }
    places = {f"{prefix}_{name}": value for prefix in ("billing", "shipping") for name, value in SOMEWHERE.items()}
    return {"way": kind, **SOMEBODY, **fields[kind], "shipping_name": SOMEBODY["name"], **places}
