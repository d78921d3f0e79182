"""Filters of lists: each reads its own words from the address, or says in one sentence why it cannot."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from app.currencies import CURRENCIES
from app.errors import BadRequest

Attribute = InstrumentedAttribute[Any]
Match = Callable[[str], ColumnElement[bool]]
Options = Sequence[tuple[str, str]]
LONGEST = 200
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter with what was chosen. `words`: the chip above the list. `value`, `value_to`: as typed."""

    condition: ColumnElement[bool]
    words: str
    value: str
    value_to: str = ""


@dataclass(frozen=True, kw_only=True)
class Filter(ABC):
    """What all filters have. `name` is the name in the address; ranges use `name_from` and `name_to`."""

    name: str
    label: str
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
    kind: ClassVar[str] = "text"

    def read(self, arguments: Mapping[str, str]) -> Chosen | None:
        text = plain_text(arguments.get(self.name, ""), self.label)
        return Chosen(self.match(text), f"{self.label}: {text}", text) if text else None


@dataclass(frozen=True, kw_only=True)
class ChoiceFilter(Filter):
    """One of a few. `options`: (value, label) pairs, or a function that knows them when it is asked."""

    options: Options | Callable[[], Options]
    match: Match
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
        return Chosen(self.match(value), f"{self.label}: {labels[value]}", value)


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
        words = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
        return Chosen(and_(*conditions), f"{self.label}: {words}", low, high)

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
class AmountFilter(RangeFilter):
    """An amount as people write it, meant in each row's own currency: `10` finds 10.00 EUR, 10 JPY and 10.000 KWD."""

    column: Attribute
    currency: Attribute
    kind: ClassVar[str] = "amount"

    def at_least(self, text: str) -> ColumnElement[bool]:
        return self.compare(text, lambda minor: self.column >= minor)

    def at_most(self, text: str) -> ColumnElement[bool]:
        return self.compare(text, lambda minor: self.column <= minor)

    def compare(self, text: str, compare: Callable[[Decimal], ColumnElement[bool]]) -> ColumnElement[bool]:
        """Rows whose own minor units of this amount `compare` finds."""
        amount = self._amount(text)
        codes = {decimals: [c.code for c in CURRENCIES.values() if c.decimals == decimals] for decimals in (0, 3)}
        # A currency we do not know counts as having two decimals, like everywhere else.
        two = and_(self.currency.not_in(codes[0] + codes[3]), compare(amount * 100))
        others = [and_(self.currency.in_(codes[decimals]), compare(amount * 10**decimals)) for decimals in (0, 3)]
        return or_(two, *others)

    def _amount(self, text: str) -> Decimal:
        try:
            if not text.isascii() or len(text) > len(str(LARGEST)) or set(text) - set("0123456789.-"):
                raise InvalidOperation
            return Decimal(text)
        except InvalidOperation as error:
            raise BadRequest(f"{self.label} must be an amount like 10 or 10.50.") from error


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
