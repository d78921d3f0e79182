"""The fast way into the store: PostgreSQL's COPY, which works through one portion while the next is being made."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812

from app.sandbox import store

BATCH = 4_000
AHEAD = 8
"""Portions that may wait for PostgreSQL: some fifty megabytes of text."""

_COPY = f"COPY objects ({', '.join(store.COLUMNS)}) FROM STDIN"
_CHUNK = 1 << 20
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class Copier:
    """One thread that copies. While it does nobody else may use this cursor's connection: `settle` first."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._thread = ThreadPoolExecutor(1, "copying")
        self._running: deque[Future[None]] = deque()

    def insert(self, rows: Iterable[store.Row]) -> None:
        """Rows as `store.row_of` makes them, in this order; an id that is there already is an error, told by `settle`
        at the latest."""
        source = iter(rows)
        while batch := list(islice(source, BATCH)):
            text = "".join(["\t".join(map(_field, row)) + "\n" for row in batch])
            while len(self._running) >= AHEAD:
                self._running.popleft().result()
            self._running.append(self._thread.submit(self._copy, text))

    def settle(self) -> None:
        """Wait until everything is in the store."""
        while self._running:
            self._running.popleft().result()

    def _copy(self, text: str) -> None:
        self._cursor.copy_expert(_COPY, io.StringIO(text), _CHUNK)


def _field(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES) if "\\" in value or not value.isprintable() else value
    if value is True or value is False:
        return "t" if value else "f"
    return str(value)
