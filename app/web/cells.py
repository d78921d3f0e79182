"""What a value is in a file: CSV text, a field of a JSON line. Numbers stay numbers, instants are ISO 8601 in UTC."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import orjson

from app.money import Money

# A cell that starts with one of these is a formula to a spreadsheet, wherever the text came from.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"


def cell(value: object) -> str:
    """One value as CSV holds it. Numbers stay numbers, negative ones too; only text can be dangerous and is disarmed."""
    if value is None:
        return ""
    # Looked up, not asked one after the other: this runs for every cell of millions of lines.
    return (_CELLS.get(type(value)) or _cell_of_its_kind(value))(value)


def as_json(value: object) -> Any:
    """One value as a JSON line holds it. Money is an exact number in major units; never a float."""
    return orjson.Fragment(value.plain) if isinstance(value, Money) else value


def rest_as_json(value: object) -> Any:
    """For orjson's `default`: what JSON has no word for, as text."""
    return str(value)


def iso(instant: datetime) -> str:
    """`2026-11-23T12:00:00Z`, with a fraction only where there is one."""
    return instant.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run this text."""
    # A letter or digit in front is most of what there is.
    if not text or (text[0].isalnum() and text[0].isascii()):
        return False
    # A spreadsheet strips blanks and invisible characters before it looks for the sign.
    return text.lstrip(" " + INVISIBLE).startswith(FORMULA)


def _harmless(text: str) -> str:
    """Text a spreadsheet will not run: a leading formula sign gets a single quote before it."""
    disarmed = f"'{text}" if is_formula(text) else text
    return disarmed.replace("\0", "") if "\0" in disarmed else disarmed


def _object(value: object) -> str:
    """What is kept as JSON; a column of a trail, for example."""
    return _harmless(orjson.dumps(value, default=rest_as_json, option=orjson.OPT_SORT_KEYS).decode())


def _cell_of_its_kind(value: object) -> Callable[[Any], str]:
    kinds = [kind for kind in _CELLS if isinstance(value, kind)]
    return _CELLS[kinds[0]] if kinds else lambda thing: _harmless(str(thing))


# More special kinds stand before what they are also: True is an int, an instant is a day.
_CELLS: dict[type, Callable[[Any], str]] = {
    str: _harmless,
    Money: lambda money: money.plain,
    bool: lambda flag: "true" if flag else "false",
    int: str,
    datetime: iso,
    date: date.isoformat,
    dict: _object,
    list: _object,
}
