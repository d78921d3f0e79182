"""What a customer is worth, per currency, from the lines of Stripe's ledger and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.money import MinorUnits, Money

_GROSS = {"charge", "charge_failure", "partial_capture_reversal"}
_REFUNDED = {"refund", "refund_failure"}
_DISPUTED = {"dispute", "dispute_reversal"}


# Read beside the figures: what each is made of.
DEFINITION = (
    "Lines of Stripe’s ledger of this customer’s payments, refunds and disputes, by settlement currency. "
    "Gross: charge, charge_failure, partial_capture_reversal. Refunded: refund, refund_failure. Disputed: dispute, "
    "dispute_reversal. Other: every other category. Fees: what Stripe kept of all of them. Net: what is left. As new as the "
    "last line that arrived."
)


@dataclass(frozen=True, slots=True)
class Worth:
    """Minor units of `currency`. gross - refunded - disputed + other - fees = net."""

    currency: str
    gross: Money
    refunded: Money
    disputed: Money
    other: Money
    fees: Money
    net: Money

    @property
    def sums(self) -> list[dict[str, Any]]:
        """As on a receipt, ending in the net: what takes money away is negative, what is nothing is left out."""
        lines = [
            ("Gross", self.gross),
            ("Refunded", -self.refunded),
            ("Disputed", -self.disputed),
            ("Other", self.other),
            ("Fees", -self.fees),
        ]
        shown = [
            {"label": label, "minor": money.minor, "currency": self.currency}
            for label, money in lines
            if money or label == "Gross"
        ]
        return [*shown, {"label": "Net", "minor": self.net.minor, "currency": self.currency, "total": True}]


def worth(movements: Iterable[tuple[str, str, int, int, int]]) -> list[Worth]:
    """One for each settlement currency, in the order of the alphabet."""
    by_currency: dict[str, list[tuple[str, int, int, int]]] = {}
    for currency, category, amount, fee, net in movements:
        by_currency.setdefault(currency, []).append((category, amount, fee, net))
    return [_worth(currency, rows) for currency, rows in sorted(by_currency.items())]


def _worth(currency: str, rows: list[tuple[str, int, int, int]]) -> Worth:
    def money(minor: int) -> Money:
        return Money(MinorUnits(minor), currency)

    def amounts(categories: set[str]) -> int:
        return sum(amount for category, amount, _, _ in rows if category in categories)

    known = _GROSS | _REFUNDED | _DISPUTED
    return Worth(
        currency=currency,
        gross=money(amounts(_GROSS)),
        refunded=money(-amounts(_REFUNDED)),
        disputed=money(-amounts(_DISPUTED)),
        other=money(sum(amount for category, amount, _, _ in rows if category not in known)),
        fees=money(sum(fee for _, _, fee, _ in rows)),
        net=money(sum(net for _, _, _, net in rows)),
    )
