"""All that a database holds, as text: every column of every table, packed objects unpacked."""

from typing import Any

import orjson
import zstandard
from sqlalchemy import select

from app.database import Base, db
from app.mirror import raw


def everything(*, but: frozenset[str] = frozenset()) -> dict[str, dict[str, str]]:
    """By table and key: the whole row as text."""
    found: dict[str, dict[str, str]] = {}
    for table in Base.metadata.sorted_tables:
        if table.name in but:
            continue
        rows = db.session.execute(select(table)).mappings().all()
        keys = [column.name for column in table.primary_key]
        found[table.name] = {
            "/".join(str(row[key]) for key in keys): " ".join(f"{name}={_text(value)}" for name, value in row.items())
            for row in rows
        }
    db.session.rollback()
    return found


def holding(marks: list[str]) -> list[str]:
    """Where one of the marks stands, whatever the size of its letters."""
    return [
        f"{table} {key}: {row[max(row.lower().find(mark) - 60, 0) :][:140]}"
        for table, rows in everything().items()
        for key, row in rows.items()
        for mark in marks
        if mark in row.lower()
    ]


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return orjson.dumps(value, default=str).decode()
    if isinstance(value, (bytes, memoryview)):
        body = bytes(value)
        try:
            return orjson.dumps(raw.unpack(body)).decode()
        except (zstandard.ZstdError, orjson.JSONDecodeError):
            return body.decode("utf-8", "replace") + body.hex()
    return str(value)
