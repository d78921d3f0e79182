"""What a key:value pair means, as a condition on one table."""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false
from sqlalchemy.orm import InstrumentedAttribute

from app import clock
from app.errors import BadRequest
from app.search.language import KEYS, Term
from app.web.filters import AmountFilter

Attribute = InstrumentedAttribute[Any]
Condition = Callable[[Term], ColumnElement[bool]]

_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip
_AGO = re.compile(r"^([0-9]{1,4})d$")
_MONTH = re.compile(r"^([0-9]{4})-([0-9]{2})$")


def equal(column: Attribute, *, lower: bool = True) -> Condition:
    """The value as Stripe writes it; `lower`: Stripe writes it in small letters."""
    return lambda term: column == (_plain(term).lower() if lower else _plain(term))


def upper(column: Attribute) -> Condition:
    return lambda term: column == _plain(term).upper()


def plain(match: Callable[[str], ColumnElement[bool]]) -> Condition:
    """A condition that is made elsewhere, of the value as it was typed."""
    return lambda term: match(_plain(term))


def state(states: Mapping[str, ColumnElement[bool]]) -> Condition:
    """One of these words; another table may know more of them, so an unknown one finds nothing here."""
    return lambda term: states.get(_word(term), false())


def status(column: Attribute) -> Condition:
    """A status as Stripe names it, `needs response` like `needs_response`."""
    return lambda term: column == _word(term)


def amount(column: Attribute, currency: Attribute) -> Condition:
    """As people write amounts: in each row's own currency, `10` is 10.00 EUR and 10 JPY."""
    reader = AmountFilter(name="amount", label="amount:", column=column, currency=currency)
    return lambda term: reader.compare(term.value, lambda minor: _SIGNS[term.sign](column, minor))


def created(column: Attribute) -> Condition:
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

    return condition


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
    return _plain(term).lower().replace(" ", "_").replace("-", "_")


def _plain(term: Term) -> str:
    if term.sign != "=":
        raise BadRequest(f"{term.key}: cannot be compared with {term.sign}: it takes {KEYS[term.key]}.")
    return term.value
