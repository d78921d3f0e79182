"""From a file, or what was typed, to lines: which payment, how much, why. Nothing is guessed where money depends on it."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import NamedTuple

from app.errors import BadRequest

MOST_ROWS = 5_000
_LONGEST_CELL = 2_000
_SEPARATORS = (",", ";", "\t")
_PAYMENT_IDS = ("ch_", "py_", "pi_")
# What a column may be called, in small letters.
_HEADINGS = {
    "payment": ("payment", "payment id", "payment_id", "payment_intent", "payment intent id", "charge", "charge id",
                "charge_id", "id"),
    "amount": ("amount", "refund", "refund amount", "refund_amount"),
    "currency": ("currency", "amount currency"),
    "reason": ("reason",),
    "words": ("words", "in your words", "note", "comment", "why"),
}  # fmt: skip
# How the columns are read when the first line names none.
_ORDER = ("payment", "amount", "currency", "reason", "words")


class Line(NamedTuple):
    """One line as it stood there, stripped; empty where nothing stood. `surplus`: it has more cells than there are columns."""

    number: int
    payment: str
    amount: str = ""
    currency: str = ""
    reason: str = ""
    words: str = ""
    surplus: bool = False


def read_file(content: bytes) -> list[Line]:
    """The lines of an uploaded CSV file: UTF-8 (with or without a mark), UTF-16 or Windows' own letters; comma, semicolon or tab.

    Raises:
        BadRequest: it is no such file, has no lines or too many, or a column that could be an amount and is not known.
    """
    return read_text(_decoded(content))


def read_text(text: str) -> list[Line]:
    """The same of text."""
    if "\0" in text:
        at = text[: text.index("\0")].count("\n") + 1
        raise BadRequest(f"There is a NUL character in line {at}, so this is no CSV file. Save it as CSV again.")
    rows = _rows(text.removeprefix("\ufeff"))
    first = next(rows, None)
    if first is None:
        raise BadRequest("There are no payments in it. Write one payment in each line.")
    columns = _columns(first[1])
    lines = [] if columns else [_line(*first, _ORDER)]
    for number, cells in rows:
        if len(lines) == MOST_ROWS:
            raise BadRequest(f"There are more than {MOST_ROWS:,} payments in it. Split it into several batches.")
        lines.append(_line(number, cells, columns or _ORDER))
    if not lines:
        raise BadRequest("There are no payments below the headings.")
    return lines


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadRequest("This file is no text. Save the table as CSV (UTF-8) and choose that file.")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadRequest(
                f"Line {reader.line_num} cannot be read: check its quotes. Nothing of this file was taken."
            ) from error
        cells = [cell.strip() for cell in cells]
        if any(len(cell) > _LONGEST_CELL for cell in cells):
            raise BadRequest(f"Line {reader.line_num} is too long: a quote may not have been closed.")
        if any(cells):
            yield reader.line_num, cells


def _separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(_SEPARATORS, key=first.count)


def _columns(cells: Sequence[str]) -> tuple[str, ...]:
    """What each column is, by its heading; empty when the first line is a payment already."""
    if cells[0].startswith(_PAYMENT_IDS):
        return ()
    found = tuple(_column(cell) for cell in cells)
    if "payment" not in found:
        raise BadRequest(
            "The first line must either name the columns (payment, amount, currency, reason, words) or begin with a payment id."
        )
    known = [name for name in found if name]
    if twice := next((name for name in known if known.count(name) > 1), None):
        raise BadRequest(f"Two columns could be the {twice}. Leave one of them out.")
    return found


def _column(heading: str) -> str:
    name = heading.lower()
    known = next((column for column, names in _HEADINGS.items() if name in names), "")
    if not known and "amount" in name:
        raise BadRequest(f"The column “{heading[:40]}” may be an amount or not. Call it “amount”, or leave it out.")
    return known


def _line(number: int, cells: Sequence[str], columns: Sequence[str]) -> Line:
    named = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
    return Line(number, named.pop("payment", ""), surplus=any(cells[len(columns) :]), **named)
