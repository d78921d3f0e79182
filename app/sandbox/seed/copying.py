"""The fast way into the store: PostgreSQL's COPY, fed from a generator."""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import islice
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from app.sandbox import store

BATCH = 4_000
_COPY = f"COPY objects ({', '.join(store.COLUMNS)}) FROM STDIN"
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def insert(cursor: Cursor, rows: Iterable[store.Row]) -> None:
    """Rows as `store.row_of` makes them, in this order; an id that is there already is an error."""
    source = iter(rows)
    while batch := list(islice(source, BATCH)):
        text = io.StringIO("".join("\t".join(map(_field, row)) + "\n" for row in batch))
        cursor.copy_expert(_COPY, text)


def _field(value: Any) -> str:
    if value is None:
        return r"\N"
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, str):
        return value.translate(_ESCAPES) if "\\" in value or not value.isprintable() else value
    return str(value)
