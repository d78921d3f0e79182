"""Filters of lists: each reads its own words from the address, or says in one sentence why it cannot."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, and_, false, or_
from sqlalchemy.orm import InstrumentedAttribute

from app.currencies import CURRENCIES
from app.errors import BadRequest

Attribute = InstrumentedAttribute[Any]
Match = Callable[[str], ColumnElement[bool]]
Options = Sequence[tuple[str, str]]
LONGEST = 200
LARGEST = 2**63 - 1
SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip


def _none(_value: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter with what was chosen. `words`: the chip above the list. `value`, `value_to`: as typed.

    `facet`: the word by which an index of facets knows these rows, where there is one; see rare.py.
    """

    condition: ColumnElement[bool]
    words: str
    value: str
    value_to: str = ""
    facet: str = ""


@dataclass(frozen=True, kw_only=True)
class Filter(ABC):
    """What all filters have. `name` is the name in the address; ranges use `name_from` and `name_to`.

    `sieve`: what it lets through lies here and there in the list, in no stretch of it; see rare.py.
    """

    name: str
    label: str
    sieve: bool = False
    kind: ClassVar[str]

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def choices(self) -> Options:
        return ()

    @abstractmethod
    def read(self, arguments: Mapping[str, str]) -> Chosen | None:
        """What the address chose, None when it says nothing.

        Raises:
            BadRequest: the value makes no sense for this filter.
        """


@dataclass(frozen=True, kw_only=True)
class TextFilter(Filter):
    """Text as typed, without surrounding blanks; `match` makes the condition of it."""

    match: Match
    facet: Callable[[str], str] = _none
    kind: ClassVar[str] = "text"

    def read(self, arguments: Mapping[str, str]) -> Chosen | None:
        text = plain_text(arguments.get(self.name, ""), self.label)
        return Chosen(self.match(text), f"{self.label}: {text}", text, facet=self.facet(text)) if text else None


@dataclass(frozen=True, kw_only=True)
class ChoiceFilter(Filter):
    """One of a few. `options`: (value, label) pairs, or a function that knows them when it is asked."""

    options: Options | Callable[[], Options]
    match: Match
    facet: Callable[[str], str] = _none
    kind: ClassVar[str] = "choice"

    @property
    def choices(self) -> Options:
        return self.options() if callable(self.options) else self.options

    def read(self, arguments: Mapping[str, str]) -> Chosen | None:
        value = arguments.get(self.name, "")
        if not value:
            return None
        labels = dict(self.choices)
        if value not in labels:
            raise BadRequest(f"{self.label} has no such choice.")
        return Chosen(self.match(value), f"{self.label}: {labels[value]}", value, facet=self.facet(value))


@dataclass(frozen=True, kw_only=True)
class RangeFilter(Filter):
    """From and to, both included, either may be left out."""

    @property
    def parameters(self) -> tuple[str, ...]:
        return (f"{self.name}_from", f"{self.name}_to")

    def read(self, arguments: Mapping[str, str]) -> Chosen | None:
        low, high = (plain_text(arguments.get(name, ""), self.label) for name in self.parameters)
        if not low and not high:
            return None
        conditions = [*([self.at_least(low)] if low else []), *([self.at_most(high)] if high else [])]
        return Chosen(and_(*conditions), f"{self.label}: {_from_to(low, high)}", low, high)

    @abstractmethod
    def at_least(self, text: str) -> ColumnElement[bool]: ...

    @abstractmethod
    def at_most(self, text: str) -> ColumnElement[bool]: ...


@dataclass(frozen=True, kw_only=True)
class DateFilter(RangeFilter):
    """Whole days in UTC."""

    column: Attribute
    kind: ClassVar[str] = "date"

    def at_least(self, text: str) -> ColumnElement[bool]:
        return self.column >= self._start_of(text)

    def at_most(self, text: str) -> ColumnElement[bool]:
        return self.column < self._start_of(text) + timedelta(days=1)

    def _start_of(self, text: str) -> datetime:
        try:
            day = date.fromisoformat(text)
            midnight = datetime.combine(day, time(), UTC)
            _ = midnight + timedelta(days=1)
        except (ValueError, OverflowError) as error:
            raise BadRequest(f"{self.label} must be a day like 2026-11-23.") from error
        return midnight


@dataclass(frozen=True, kw_only=True)
class NumberFilter(RangeFilter):
    """Whole numbers."""

    column: Attribute
    kind: ClassVar[str] = "number"

    def at_least(self, text: str) -> ColumnElement[bool]:
        return self.column >= self._number(text)

    def at_most(self, text: str) -> ColumnElement[bool]:
        return self.column <= self._number(text)

    def _number(self, text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < len(str(LARGEST))):
            raise BadRequest(f"{self.label} must be a whole number.")
        return int(text)


@dataclass(frozen=True, kw_only=True)
class AmountFilter(Filter):
    """An amount as people write it, meant in each row's own currency: `10` finds 10.00 EUR, 10 JPY and 10.000 KWD."""

    column: Attribute
    currency: Attribute
    kind: ClassVar[str] = "amount"

    @property
    def parameters(self) -> tuple[str, ...]:
        return (f"{self.name}_from", f"{self.name}_to")

    def read(self, arguments: Mapping[str, str]) -> Chosen | None:
        low, high = (plain_text(arguments.get(name, ""), self.label) for name in self.parameters)
        bounds = [*([(">=", low)] if low else []), *([("<=", high)] if high else [])]
        if not bounds:
            return None
        condition = amounts(self.column, self.currency, bounds, label=self.label)
        return Chosen(condition, f"{self.label}: {_from_to(low, high)}", low, high)


def amounts(
    column: Attribute, currency: Attribute, bounds: Sequence[tuple[str, str]], *, label: str
) -> ColumnElement[bool]:
    """Rows whose amount, in their own currency, keeps within all of these bounds: a sign of comparison, and an amount as typed.

    One stretch of an index for each number of decimals, in whole minor units: of several conditions on one side each PostgreSQL
    would read the rest of the table for each side.

    Raises:
        BadRequest: a bound is no amount.
    """
    compared = [(sign, _amount(typed, label)) for sign, typed in bounds]
    by_decimals = {decimals: [c.code for c in CURRENCIES.values() if c.decimals == decimals] for decimals in (0, 3)}
    # A currency we do not know counts as having two decimals, like everywhere else.
    of_two = currency.not_in([*by_decimals[0], *by_decimals[3]])
    these = {2: of_two} | {decimals: currency.in_(codes) for decimals, codes in by_decimals.items()}
    return or_(*(and_(mine, *_within(column, compared, decimals)) for decimals, mine in these.items()))


def _within(column: Attribute, bounds: Sequence[tuple[str, Decimal]], decimals: int) -> Iterator[ColumnElement[bool]]:
    """The bounds in whole minor units; what lies between two of them is rounded to the side that says the same."""
    for sign, amount in bounds:
        exact = amount.scaleb(decimals)
        minor = int(exact.to_integral_value(ROUND_CEILING if sign in {">=", "<"} else ROUND_FLOOR))
        if sign == "=" and exact != minor:
            yield false()
        else:
            yield SIGNS[sign](column, max(-LARGEST, min(minor, LARGEST)))


def _amount(text: str, label: str) -> Decimal:
    try:
        if not text.isascii() or len(text) > len(str(LARGEST)) or set(text) - set("0123456789.-"):
            raise InvalidOperation
        return Decimal(text)
    except InvalidOperation as error:
        raise BadRequest(f"{label} must be an amount like 10 or 10.50.") from error


def _from_to(low: str, high: str) -> str:
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"


def equals(column: Attribute) -> Match:
    """`match` for an exact value."""
    return lambda text: column == text


def one_of(values: Mapping[str, ColumnElement[bool]]) -> Match:
    """`match` for choices that are each a condition of their own."""
    return lambda value: values[value]


def plain_text(text: str, label: str) -> str:
    """The text without surrounding blanks.

    Raises:
        BadRequest: it is too long, or holds a character PostgreSQL cannot store.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise BadRequest(f"{label} is too long: {LONGEST} characters are enough to find something.")
    if "\0" in text:
        raise BadRequest(f"{label} holds a character that nothing can contain.")
    return text
