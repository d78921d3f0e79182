"""Lists as CSV files: written while they are read, whatever their length, and harmless in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from io import StringIO

from flask import Response, copy_current_request_context

from app import clock
from app.money import Money

# A cell that starts with one of these is a formula to a spreadsheet, wherever the text came from.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"

Batches = Iterator[Sequence[Sequence[object]]]


def csv_answer(name: str, heading: Sequence[str], batches: Batches) -> Response:
    """A download that is produced batch by batch; only one batch is in memory at a time."""

    # The request's context is entered for each batch and left again. Held open over the whole download, it would be closed
    # wherever the server happens to notice that the browser went away.
    @copy_current_request_context
    def following() -> Sequence[Sequence[object]] | None:
        return next(batches, None)

    def chunks() -> Iterator[str]:
        yield _lines([heading])
        while batch := following():
            yield _lines(batch)

    response = Response(chunks(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{clock.now():%Y-%m-%d}.csv"'
    return response


def file_answer(name: str, pieces: Iterator[bytes], *, mimetype: str) -> Response:
    """A download of any kind that is made while it is sent; the request's context is entered for each piece, as above."""

    @copy_current_request_context
    def following() -> bytes | None:
        return next(pieces, None)

    def chunks() -> Iterator[bytes]:
        while (piece := following()) is not None:
            if piece:
                yield piece

    response = Response(chunks(), mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def cell(value: object) -> str:
    """One value as CSV holds it. Numbers stay numbers, negative ones too; only text can be dangerous and is disarmed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return value.plain
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (int, date)):
        return str(value)
    return _harmless(str(value))


def _harmless(text: str) -> str:
    """Text a spreadsheet will not run: a leading formula sign gets a single quote before it."""
    # A spreadsheet strips blanks and invisible characters before it looks for the sign.
    visible = text.lstrip(" " + _INVISIBLE)
    text = text.replace("\0", "")
    return f"'{text}" if visible.startswith(_FORMULA) else text


def _lines(rows: Iterable[Sequence[object]]) -> str:
    """RFC 4180: quoted where needed, lines end with CR LF."""
    page = StringIO()
    csv.writer(page).writerows([cell(value) for value in row] for row in rows)
    return page.getvalue()
