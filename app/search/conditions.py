"""What the key:value pairs of one key mean, as a condition on one table."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, select, true
from sqlalchemy.orm import InstrumentedAttribute

from app import clock
from app.errors import BadRequest
from app.models.charge import Charge
from app.models.charge_facets import Facet
from app.search.language import KEYS, Term
from app.web.filters import amounts

Attribute = InstrumentedAttribute[Any]

_AGO = re.compile(r"^([0-9]{1,4})d$")
_MONTH = re.compile(r"^([0-9]{4})-([0-9]{2})$")


@dataclass(frozen=True, slots=True)
class Key:
    """`condition`: of all terms with this key. `facet`: how the index of payments' facets knows a value, where it does.

    `behind`: the same of the payment behind the row, where that is what is asked.
    `sieve`: what it lets through lies here and there among the newest rows, in no stretch of them; see app/web/rare.py.
    """

    condition: Callable[[Sequence[Term]], ColumnElement[bool]]
    sieve: bool = True
    facet: Callable[[str], str] | None = None
    behind: Callable[[Sequence[Term]], ColumnElement[bool]] | None = None

    def facets(self, terms: Sequence[Term]) -> list[str]:
        return [word for term in terms if self.facet and (word := self.facet(term.value))]


def _each(condition: Callable[[Term], ColumnElement[bool]], **more: Any) -> Key:
    return Key(lambda terms: and_(*map(condition, terms)), **more)


def equal(column: Attribute, *, lower: bool = True) -> Key:
    """The value as Stripe writes it; `lower`: Stripe writes it in small letters."""
    return _each(lambda term: column == (_plain(term).lower() if lower else _plain(term)))


def named(column: Attribute) -> Key:
    """An id, as it stands; an index leads to its rows."""
    return _each(lambda term: column == _plain(term), sieve=False)


def upper(column: Attribute) -> Key:
    return _each(lambda term: column == _plain(term).upper())


def having(facet: Facet) -> Key:
    """Payments with this value of a facet."""
    return _each(lambda term: facet.condition(_plain(term)), facet=facet.word)


def state(facet: Facet, states: Mapping[str, object]) -> Key:
    """One of these words; another table may know more of them, so an unknown one finds nothing here."""

    def condition(term: Term) -> ColumnElement[bool]:
        word = _word(term)
        return facet.condition(word) if word in states else false()

    return _each(condition, facet=lambda value: facet.word(_as_word(value)))


def status(column: Attribute) -> Key:
    """A status as Stripe names it, `needs response` like `needs_response`."""
    return _each(lambda term: column == _word(term))


def amount(column: Attribute, currency: Attribute) -> Key:
    """As people write amounts: in each row's own currency, `10` is 10.00 EUR and 10 JPY."""
    return Key(lambda terms: amounts(column, currency, [(term.sign, term.value) for term in terms], label="amount:"))


def of_its_charge(charge_id: Attribute, key: Key) -> Key:
    """What is true of the payment behind the row."""

    def outer(terms: Sequence[Term]) -> ColumnElement[bool]:
        if not key.sieve:
            return exists(select(Charge.id).where(Charge.id == charge_id, key.condition(terms)))
        # Of EXISTS PostgreSQL might make a table of all such payments, before the first row is asked.
        return select(key.condition(terms)).where(Charge.id == charge_id).scalar_subquery().is_(true())

    return Key(outer, sieve=key.sieve, facet=key.facet, behind=key.condition)


def created(column: Attribute) -> Key:
    """Whole days and months in UTC; `7d` is since seven days ago."""

    def condition(term: Term) -> ColumnElement[bool]:
        start, end = _stretch(term)
        meanings = {
            "=": and_(column >= start, column < end),
            ">": column >= end,
            ">=": column >= start,
            "<": column < start,
            "<=": column < end,
        }
        return meanings[term.sign]

    return _each(condition, sieve=False)


def _stretch(term: Term) -> tuple[datetime, datetime]:
    """The first instant of what is named, and the first behind it."""
    try:
        if ago := _AGO.match(term.value):
            return clock.now() - timedelta(days=int(ago[1])), clock.now()
        if month := _MONTH.match(term.value):
            start = date(int(month[1]), int(month[2]), 1)
            return _midnight(start), _midnight((start + timedelta(days=32)).replace(day=1))
        day = clock.now().date() if term.value.lower() == "today" else date.fromisoformat(term.value)
        return _midnight(day), _midnight(day + timedelta(days=1))
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"created: takes {KEYS['created']}.") from error


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _word(term: Term) -> str:
    return _as_word(_plain(term))


def _as_word(value: str) -> str:
    return value.lower().replace(" ", "_").replace("-", "_")


def _plain(term: Term) -> str:
    if term.sign != "=":
        raise BadRequest(f"{term.key}: cannot be compared with {term.sign}: it takes {KEYS[term.key]}.")
    return term.value
