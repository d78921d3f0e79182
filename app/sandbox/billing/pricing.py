"""What a price makes of a quantity: minor units of its currency, halves away from zero."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from app.sandbox.errors import invalid
from app.sandbox.params import Obj


def amount(price: Obj, quantity: int) -> int:
    """The whole amount for so many; unit, package and tiered prices."""
    if price["billing_scheme"] == "tiered":
        return _tiered(price, quantity)
    packing = price["transform_quantity"]
    if packing:
        packs, rest = divmod(quantity, packing["divide_by"])
        quantity = packs + (1 if rest and packing["round"] == "up" else 0)
    return rounded(Decimal(price["unit_amount_decimal"] or 0) * quantity)


def _tiered(price: Obj, quantity: int) -> int:
    graduated = price["tiers_mode"] == "graduated"
    total, below = Decimal(0), 0
    for tier in price["tiers"]:
        top = tier["up_to"]
        inside = top is None or quantity <= top
        if graduated or inside:
            count = (quantity if inside else top) - (below if graduated else 0)
            total += Decimal(tier["unit_amount_decimal"] or 0) * count + Decimal(tier["flat_amount_decimal"] or 0)
        if inside:
            break
        below = top
    return rounded(total)


def rounded(value: Decimal | Fraction) -> int:
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    return int(value.to_integral_value(ROUND_HALF_UP))


def share(whole: int, part: int, of: int) -> int:
    """`whole * part / of`, halves away from zero."""
    return rounded(Fraction(whole * part, of)) if of else 0


def unit_amounts(given: Mapping[str, Any], whole: str, exact: str) -> tuple[int | None, str | None]:
    """`unit_amount` and `unit_amount_decimal` from whichever of the two was given."""
    value, said = given.get(exact) or given.get(whole), exact if given.get(exact) else whole
    if value in (None, ""):
        return None, None
    number = decimal(value, said)
    plain = format(number.normalize(), "f")
    return (int(number) if number == number.to_integral_value() else None), plain


def decimal(value: Any, param: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise invalid(f"Invalid decimal: {value}", param=param) from error
    if not number.is_finite():
        raise invalid(f"Invalid decimal: {value}", param=param)
    return number
