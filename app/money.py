"""Money: whole smallest units and a currency. Never a float."""

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import NewType, Self

from app.currencies import currency
from app.errors import BadAmount, CurrencyMismatch

MinorUnits = NewType("MinorUnits", int)

# What a bigint column holds; Stripe itself stops far below.
LARGEST = 9_223_372_036_854_775_807
_PLAIN = re.compile(r"([0-9]{1,19})(?:\.([0-9]+))?", re.ASCII)


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents, yen, fils) of one currency.

    Adding or comparing two currencies raises CurrencyMismatch.
    """

    minor: MinorUnits
    currency: str

    @classmethod
    def zero(cls, code: str) -> Self:
        return cls(MinorUnits(0), code.lower())

    @classmethod
    def parse(cls, text: str, code: str) -> Self:
        """What a person typed, exactly: `10`, `10.5`, `10.50`. Nothing is ever rounded.

        Raises:
            BadAmount: with a sentence for the person who typed it.
        """
        rule = currency(code)
        found = _PLAIN.fullmatch(text.strip(" "))
        if not found:
            raise BadAmount(_why_not_plain(text, rule.decimals))
        whole, fraction = found.group(1), found.group(2) or ""
        if len(fraction) > rule.decimals:
            raise BadAmount(_too_fine(code, rule.decimals))
        minor = int(whole + fraction.ljust(rule.decimals, "0"))
        if minor > LARGEST:
            raise BadAmount("This amount is too large.")
        if minor % rule.step:
            raise BadAmount(f"{code.upper()} is taken in steps of {Money(MinorUnits(rule.step), code)}.")
        return cls(MinorUnits(minor), code.lower())

    @property
    def plain(self) -> str:
        """Digits and a point, as a form field or a CSV cell wants it: `1234.50`."""
        decimals = currency(self.currency).decimals
        sign, digits = ("-", str(-self.minor)) if self.minor < 0 else ("", str(self.minor))
        if not decimals:
            return sign + digits
        digits = digits.rjust(decimals + 1, "0")
        return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"

    @property
    def grouped(self) -> str:
        """Like `plain`, with commas between thousands: `1,234.50`."""
        whole, point, fraction = self.plain.partition(".")
        return f"{int(whole):,}{point}{fraction}" if not whole.startswith("-0") else self.plain

    def __str__(self) -> str:
        return f"{self.plain} {self.currency.upper()}"

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(MinorUnits(self.minor + other.minor), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(MinorUnits(self.minor - other.minor), self.currency)

    def __neg__(self) -> "Money":
        return Money(MinorUnits(-self.minor), self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} and {other} cannot be combined.")


def _why_not_plain(text: str, decimals: int) -> str:
    example = "10" if not decimals else "10." + "0" * decimals
    if not text.strip():
        return "Enter an amount."
    if "," in text:
        return f"Write the amount with a point and without separators, like {example}."
    return f"Write the amount in plain digits, like {example}."


def _too_fine(code: str, decimals: int) -> str:
    if not decimals:
        return f"{code.upper()} has no decimals."
    return f"{code.upper()} has {decimals} decimals, not more."
