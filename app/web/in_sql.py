"""Cells of a download as PostgreSQL writes them: the same text as app/web/cells.py makes in Python, for lists of millions of lines.

Quoting is left to COPY, which does it as RFC 4180 says; an empty cell is NULL to it.
"""

from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, Text, and_, case, cast, func, literal_column

from app.currencies import CURRENCIES
from app.web.cells import FORMULA, INVISIBLE

Cell = ColumnElement[Any]
Value = SQLColumnExpression[Any]


def words(text: Value) -> Cell:
    """Text that a spreadsheet will not run. Almost always a letter or a digit in front says so, which is a quick look."""
    # By the bytes: in every other order these comparisons take ten times as long. Behind "~" nothing is ASCII.
    by_bytes = text.collate("C")
    return case(
        (and_(by_bytes >= "A", by_bytes <= "~"), text),
        (func.ascii(text).between(ord("0"), ord("9")), text),
        (func.left(func.ltrim(text, f" {INVISIBLE}"), 1).in_([sign for sign in FORMULA if sign != "\0"]), "'" + text),
        else_=func.nullif(text, ""),
    )


def first(*texts: Value) -> Cell:
    """The first of them that says something, likewise."""
    return func.coalesce(*map(words, texts))


def amount(minor: Value, currency: Value) -> tuple[Cell, Cell]:
    """Major units with the decimals of the currency, and the currency beside them; neither may be NULL."""
    by_decimals = {
        decimals: [rule.code for rule in CURRENCIES.values() if rule.decimals == decimals] for decimals in (0, 3)
    }
    lowered = func.lower(currency)
    # A number with decimals keeps as many as its factor has; one we do not know counts as having two, like everywhere else.
    in_major = case(
        (lowered.in_(by_decimals[0]), cast(minor, Text)),
        (lowered.in_(by_decimals[3]), cast(minor * literal_column("0.001"), Text)),
        else_=cast(minor * literal_column("0.01"), Text),
    )
    return in_major, words(func.upper(currency))


def instant(at: Value) -> Cell:
    """ISO 8601 in UTC, which is the time zone of our connections; with a fraction only where there is one."""
    in_whole = func.to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    return case(
        (func.date_trunc("second", at) == at, in_whole), else_=func.to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )


def plain(value: Value) -> Cell:
    """A whole number or a day."""
    return cast(value, Text)


def flag(value: Value) -> Cell:
    return case((value.is_(True), "true"), (value.is_(False), "false"))


def capitalized(text: Value) -> Cell:
    """`requested_by_customer` as `Requested by customer`."""
    spaced = func.replace(text, "_", " ")
    return words(func.concat(func.upper(func.left(spaced, 1)), func.lower(func.substr(spaced, 2))))
