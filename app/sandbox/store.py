"""Objects as rows: the newest shape as JSON text, and beside it the few columns that lists filter by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from app.sandbox import codec
from app.sandbox.kinds import FACETS
from app.sandbox.schema import HOT_FILTERS

Row = tuple[Any, ...]

COLUMNS = ("kind", "id", "created", "deleted", *HOT_FILTERS, "facets", "body")
_COLD = frozenset(FACETS) - frozenset(HOT_FILTERS)
_REPLACED = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS[3:])
_INSERT = f"INSERT INTO objects ({', '.join(COLUMNS)}) VALUES %s ON CONFLICT (kind, id) DO UPDATE SET {_REPLACED}"
_INSERT_DATED = _INSERT + ", created = EXCLUDED.created"


def row_of(obj: Mapping[str, Any], body: str, *, now: int) -> Row:
    """The row of one object; objects without `created` (mandates) get the moment they were first seen."""
    obj = with_found(obj)
    facets = {name: _plain(obj[name]) for name in _COLD & obj.keys() if obj[name] is not None}
    created = obj.get("created", now)
    return (
        obj["object"],
        obj["id"],
        created if isinstance(created, int) else now,
        obj.get("deleted") is True,
        *(_text(value) if (value := obj.get(name)) is not None else None for name in HOT_FILTERS),
        codec.dumps(facets) if facets else None,
        body,
    )


def with_found(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with what lists filter by, where Stripe keeps that deeper inside."""
    kind = obj["object"]
    if kind == "invoice":
        details = (obj.get("parent") or {}).get("subscription_details") or {}
        return {**obj, "subscription": details.get("subscription") or obj.get("subscription")}
    if kind == "invoice_payment":
        return {**obj, **{name: (obj.get("payment") or {}).get(name) for name in ("payment_intent", "charge")}}
    if kind == "subscription":
        items = (obj.get("items") or {}).get("data") or []
        starts = [item["current_period_start"] for item in items if item.get("current_period_start")]
        ends = [item["current_period_end"] for item in items if item.get("current_period_end")]
        if starts and ends:
            return {"current_period_start": min(starts), "current_period_end": max(ends), **obj}
    return obj


def write(cursor: Cursor, rows: Sequence[Row], *, dated: bool) -> None:
    """Insert or replace in the given order; an object keeps the place in its list that it got first."""
    execute_values(cursor, _INSERT_DATED if dated else _INSERT, rows, page_size=500)


def read(cursor: Cursor, kind: str, object_id: str, *, lock: bool = False) -> str | None:
    """The stored JSON text; `lock=True` holds the row until the transaction ends."""
    cursor.execute(
        "SELECT body FROM objects WHERE kind = %s AND id = %s" + (" FOR UPDATE" if lock else ""),
        (kind, codec.column_text(object_id)),
    )
    row = cursor.fetchone()
    return row[0] if row else None


def read_many(cursor: Cursor, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Stored texts by id, for (kind, id) pairs."""
    wanted = list(pairs)
    if not wanted:
        return {}
    cursor.execute("SELECT id, body FROM objects WHERE (kind, id) IN %s", (tuple(wanted),))
    return dict(cursor.fetchall())


def remove(cursor: Cursor, kind: str, object_id: str) -> None:
    cursor.execute("DELETE FROM objects WHERE kind = %s AND id = %s", (kind, object_id))


def equals(name: str, value: str | int | bool) -> tuple[str, Any]:
    """One `field is value` condition and what to bind for it."""
    if name in HOT_FILTERS:
        return f"{name} = %s", _text(value)
    return "facets @> %s", codec.dumps({name: _plain(value)})


def bound(name: str, sign: str, value: int) -> tuple[str, Any]:
    """One `field > number` condition; `sign` is one of ours, never the caller's text."""
    if name == "created":
        return f"created {sign} %s", value
    return f"(facets->>'{name}')::numeric {sign} %s", value


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return codec.column_text(value)
    if isinstance(value, Mapping):
        return _text(value.get("id"))
    return None if value is None else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _plain(value.get("id"))
    return codec.column_text(value) if isinstance(value, str) else value
