"""Lists as Excel workbooks: a zip file of XML, written sheet after sheet while the rows are read.

ECMA-376, part 1, section 18 names the elements; part 2 says how they are packed. Nothing is kept: a workbook of millions of rows
takes the memory of one batch. Text is written as text (`inlineStr`), so nothing in it is ever a formula.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from html import escape
from itertools import chain
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import orjson

from app.currencies import currency
from app.money import Money
from app.web.cells import is_formula, iso, rest_as_json

Batch = Sequence[Sequence[object]]

ROWS_OF_A_SHEET = 1_048_576
# A part of a zip file that is not finished cannot say whether it will be longer than two gigabytes.
BYTES_OF_A_SHEET = 1_800_000_000
_LONGEST_TEXT = 32_767
_MOST_DIGITS = 15
_DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
# Days before this one are counted in two ways, because of a leap day in 1900 that there never was.
_FIRST_DAY = datetime(1900, 3, 1, tzinfo=UTC)
_NARROWEST, _WIDEST = 8, 60

# What XML 1.0 cannot hold, and what Excel would read as the escape of another character.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LIKE_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DEFAULTS = (
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
)
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

# The places of `cellXfs` below; amounts have the decimals of their currency.
_BOLD, _INSTANT, _DATE, _QUOTED = 1, 2, 3, 4
_AMOUNT = {0: 5, 2: 6, 3: 7}
_STYLES = f"""{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>\
<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="166" formatCode="#,##0.000"/></numFmts>\
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>\
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="8"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>\
<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/>\
<xf numFmtId="3" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="166" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""
_RELATIONS = f"""{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" \
Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"""


def workbook(
    name: str,
    heading: Sequence[str],
    batches: Iterator[Batch],
    *,
    rows_of_a_sheet: int = ROWS_OF_A_SHEET,
    bytes_of_a_sheet: int = BYTES_OF_A_SHEET,
) -> Iterator[bytes]:
    """The file in pieces, one or two for each batch. Rows beyond a sheet's limit go on in another, which repeats the heading."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=1) as book:  # type: ignore[call-overload] # whatever can be written to
        # These first: they tell at the first byte what kind of file this is, and do not depend on what follows.
        book.writestr("_rels/.rels", _RELATIONS)
        book.writestr("xl/styles.xml", _STYLES)
        yield sink.taken()
        rest: Iterator[Batch] | None = batches
        sheets = 0
        while rest is not None:
            sheets += 1
            sheet = _Sheet(heading, rest, rows_of_a_sheet, bytes_of_a_sheet)
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w") as part:
                for xml in sheet.xml():
                    part.write(xml.encode())
                    yield sink.taken()
            rest = sheet.rest
        for part_name, xml in _frame(name, sheets):
            book.writestr(part_name, xml)
    yield sink.taken()


class _Sink:
    """Where the zip file is written to: it keeps only what was not sent yet."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing lies further on."""

    def taken(self) -> bytes:
        piece = b"".join(self._pieces)
        self._pieces.clear()
        return piece


class _Sheet:
    """One sheet. `rest`: the batches it had no room for, None when it took them all."""

    def __init__(self, heading: Sequence[str], batches: Iterator[Batch], most_rows: int, most_bytes: int) -> None:
        self.rest: Iterator[Batch] | None = None
        self._heading = heading
        self._batches = batches
        self._letters = [_letters(number) for number in range(len(heading))]
        self._most_rows = most_rows
        self._most_bytes = most_bytes

    def xml(self) -> Iterator[str]:
        first = next(self._batches, None) or []
        yield f'{_HEAD}<worksheet xmlns="{_MAIN}">{_FROZEN}{self._columns(first)}<sheetData>{self._top()}'
        size, last = 0, 1
        for batch in chain([first], self._batches):
            room = self._most_rows - last
            if size >= self._most_bytes:
                room = 0
            taken, left = batch[:room], batch[room:]
            rows = "".join([self._row(number, row) for number, row in enumerate(taken, start=last + 1)])
            # Of text beyond ASCII a character is more than a byte; two gigabytes leave room for that.
            size, last = size + len(rows), last + len(taken)
            if rows:
                yield rows
            if left:
                self.rest = chain([left], self._batches)
                break
        yield f'</sheetData><autoFilter ref="A1:{self._letters[-1]}{last}"/></worksheet>'

    def _top(self) -> str:
        cells = [
            f'<c r="{at}1" s="{_BOLD}"{_text(title)}' for at, title in zip(self._letters, self._heading, strict=True)
        ]
        return f'<row r="1">{"".join(cells)}</row>'

    def _row(self, number: int, row: Sequence[object]) -> str:
        cells = [
            f'<c r="{at}{number}"{(_CELLS.get(type(value)) or _cell_of_its_kind(value))(value)}'
            for at, value in zip(self._letters, row, strict=True)
            if value is not None
        ]
        return f'<row r="{number}">{"".join(cells)}</row>'

    def _columns(self, rows: Batch) -> str:
        """As wide as what stands in the first hundred rows."""
        widths = []
        for place, title in enumerate(self._heading):
            longest = max([len(title), *(_width(row[place]) for row in rows[:100])])
            widths.append(min(max(longest + 2, _NARROWEST), _WIDEST))
        columns = [
            f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(widths, start=1)
        ]
        return f"<cols>{''.join(columns)}</cols>"


_FROZEN = (
    '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    "</sheetView></sheetViews>"
)


def _text(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        value = _NOT_XML.sub("", value)
    if len(value) > _LONGEST_TEXT:
        value = value[: _LONGEST_TEXT - 1] + "…"
    if "_x" in value:
        value = _LIKE_ESCAPE.sub("_x005F_", value)
    space = ' xml:space="preserve"' if value != value.strip() or "\n" in value else ""
    return f' t="inlineStr"><is><t{space}>{escape(value, quote=False)}</t></is></c>'


def _words(value: str) -> str:
    # The quote is a property of the cell, not a character of its text: it stays text when somebody edits it.
    return f' s="{_QUOTED}"{_text(value)}' if is_formula(value) else _text(value)


def _number(value: int) -> str:
    """A spreadsheet counts in floating point: what has more digits than that holds is text, and stays exact."""
    digits = str(value)
    return f"><v>{digits}</v></c>" if len(digits) <= _MOST_DIGITS else _text(digits)


def _amount(value: Money) -> str:
    digits = value.plain
    if len(digits) > _MOST_DIGITS:
        return _text(digits)
    return f' s="{_AMOUNT.get(currency(value.currency).decimals, 0)}"><v>{digits}</v></c>'


def _instant(value: datetime) -> str:
    utc = value.astimezone(UTC)
    if utc < _FIRST_DAY:
        return _text(iso(utc))
    since = utc - _DAY_ZERO
    return f' s="{_INSTANT}"><v>{since.days + round(since.seconds / 86_400, 10)}</v></c>'


def _day(value: date) -> str:
    if value < _FIRST_DAY.date():
        return _text(value.isoformat())
    return f' s="{_DATE}"><v>{(value - _DAY_ZERO.date()).days}</v></c>'


def _object(value: object) -> str:
    return _text(orjson.dumps(value, default=rest_as_json, option=orjson.OPT_SORT_KEYS).decode())


def _cell_of_its_kind(value: object) -> Callable[[Any], str]:
    kinds = [kind for kind in _CELLS if isinstance(value, kind)]
    return _CELLS[kinds[0]] if kinds else lambda thing: _words(str(thing))


# More special kinds stand before what they are also, as in cells.py.
_CELLS: dict[type, Callable[[Any], str]] = {
    str: _words,
    Money: _amount,
    bool: lambda flag: f' t="b"><v>{int(flag)}</v></c>',
    int: _number,
    datetime: _instant,
    date: _day,
    dict: _object,
    list: _object,
}


def _width(value: object) -> int:
    if isinstance(value, datetime):
        return len("2026-11-23 12:00:00")
    return 0 if value is None else len(str(value))


def _letters(number: int) -> str:
    """A, B … Z, AA, AB …"""
    letters = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def _frame(name: str, sheets: int) -> Iterator[tuple[str, str]]:
    """What holds the sheets together; only known when there are no more of them."""
    numbers = range(1, sheets + 1)
    # Excel takes 31 characters, and none of these.
    name = re.sub(r"[\[\]:*?/\\']", " ", name)[:24].strip() or "List"
    titles = [name if sheets == 1 else f"{name} {number}" for number in numbers]
    entries = [
        f'<sheet name="{escape(title)}" sheetId="{n}" r:id="rId{n}"/>' for n, title in zip(numbers, titles, strict=True)
    ]
    yield (
        "xl/workbook.xml",
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{"".join(entries)}</sheets></workbook>',
    )
    links = [
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    ]
    links.append(f'<Relationship Id="rId{sheets + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>')
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(links)}</Relationships>',
    )
    parts = [f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers]
    parts.append(f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>')
    parts.append(f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>')
    yield (
        "[Content_Types].xml",
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">{_DEFAULTS}{"".join(parts)}</Types>',
    )
