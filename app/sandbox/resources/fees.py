"""What a payment costs: a share and a fixed part, by settlement currency and where the money comes from.

Rates after Stripe's public price pages for the United States, the euro area and the United Kingdom.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.params import Obj
from app.sandbox.resources.ibans import EEA

DISPUTE_FEE = 1_500
SEPA_FEE = 35
SEPA_DISPUTE_FEE = 750
CONVERSION = 200  # hundredths of a percent

# settlement currency → (home, nearby, elsewhere in hundredths of a percent, fixed part)
_CARD = {"usd": (290, 440, 440, 30), "eur": (150, 250, 325, 25), "gbp": (150, 250, 325, 20)}


@dataclass(frozen=True)
class Fee:
    """One line of `fee_details`."""

    amount: int
    currency: str
    description: str

    def details(self) -> Obj:
        return {
            "amount": self.amount,
            "application": None,
            "currency": self.currency,
            "description": self.description,
            "type": "stripe_fee",
        }


def payment_fees(method: str, country: str | None, amount: int, currency: str, *, converted: bool) -> tuple[Fee, ...]:
    """The fees of a payment of `amount`, already in the settlement currency."""
    if method == "card":
        share, fixed = _card_price(country, currency)
        cost = share_of(amount, share) + fixed
    elif method == "sepa_debit":
        cost = SEPA_FEE
    elif method == "us_bank_account":
        cost = min(share_of(amount, 80), 500)
    elif method == "bacs_debit":
        cost = min(max(share_of(amount, 100), 20), 200)
    else:
        cost = min(share_of(amount, 50), 500)
    fees = [Fee(cost, currency, "Stripe processing fees")]
    if converted:
        fees.append(Fee(share_of(amount, CONVERSION), currency, "Stripe currency conversion fee"))
    return tuple(fees)


def dispute_fee(method: str, currency: str) -> tuple[Fee, ...]:
    return (Fee(SEPA_DISPUTE_FEE if method == "sepa_debit" else DISPUTE_FEE, currency, "Dispute fee"),)


def share_of(amount: int, hundredths: int) -> int:
    """So many hundredths of a percent, half up."""
    return (amount * hundredths + 5_000) // 10_000


def _card_price(country: str | None, currency: str) -> tuple[int, int]:
    home, nearby, elsewhere, fixed = _CARD[currency]
    if currency == "usd":
        return (home if country == "US" else elsewhere), fixed
    if currency == "eur":
        return (home if country in EEA else nearby if country == "GB" else elsewhere), fixed
    return (home if country == "GB" else nearby if country in EEA else elsewhere), fixed
