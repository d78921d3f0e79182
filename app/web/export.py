"""Lists as files: written while they are read, whatever their length, and harmless in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain
from typing import Any

import orjson
from flask import Response, copy_current_request_context
from sqlalchemy import Select

from app import clock
from app.web.cells import as_json, cell, rest_as_json
from app.web.copied import copied
from app.web.workbook import workbook

Batches = Iterator[Sequence[Sequence[object]]]

# What a list can be downloaded as: the end of the file's name, what people call it, and what it is good for.
FORMATS = (
    ("csv", "CSV", "for any program, in text"),
    ("xlsx", "Excel", "numbers and dates as such"),
    ("jsonl", "JSONL", "one record a line, for programs"),
)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_answer(name: str, heading: Sequence[str], batches: Batches) -> Response:
    """A download that is produced batch by batch; only one batch is in memory at a time."""

    def pieces() -> Iterator[bytes]:
        yield _lines([heading])
        for batch in batches:
            yield _lines(batch)

    return file_answer(_dated(name, "csv"), pieces(), mimetype="text/csv")


def copied_answer(name: str, heading: Sequence[str], statements: Iterator[Select[Any]]) -> Response:
    """The same, of statements that select the cells as text; see in_sql.py."""
    return file_answer(_dated(name, "csv"), chain([_lines([heading])], copied(statements)), mimetype="text/csv")


def xlsx_answer(name: str, title: str, heading: Sequence[str], batches: Batches) -> Response:
    """The same as an Excel workbook; `title` is what its sheet is called."""
    return file_answer(_dated(name, "xlsx"), workbook(title, heading, batches), mimetype=_XLSX)


def jsonl_answer(name: str, fields: Sequence[str], batches: Batches) -> Response:
    """The same as JSON objects, one a line, each with all `fields`."""

    def pieces() -> Iterator[bytes]:
        for batch in batches:
            yield b"".join(
                [
                    orjson.dumps(
                        dict(zip(fields, map(as_json, row), strict=True)),
                        default=rest_as_json,
                        option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z,
                    )
                    for row in batch
                ]
            )

    return file_answer(_dated(name, "jsonl"), pieces(), mimetype="application/x-ndjson")


def file_answer(name: str, pieces: Iterator[bytes], *, mimetype: str) -> Response:
    """A download of any kind that is made while it is sent."""

    # The request's context is entered for each piece and left again. Held open over the whole download, it would be closed
    # wherever the server happens to notice that the browser went away.
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


def _dated(name: str, end: str) -> str:
    return f"{name}-{clock.now():%Y-%m-%d}.{end}"


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    """RFC 4180: quoted where needed, lines end with CR LF."""
    page = StringIO()
    csv.writer(page).writerows([[cell(value) for value in row] for row in rows])
    return page.getvalue().encode()
