"""JSON in and out: fast where it can be, faithful where odd text (lone surrogates, huge integers) needs it."""

from __future__ import annotations

import json
from typing import Any

import orjson


def dumps(value: Any) -> str:
    """Compact JSON text; NUL and lone surrogates are written as escapes, so that PostgreSQL text can hold them."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"), default=str)


def pretty(value: Any) -> bytes:
    """JSON as Stripe prints it, two spaces deep."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:
        return json.dumps(value, indent=2, default=str).encode()


def loads(text: str | bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def column_text(value: str) -> str:
    """Text that a PostgreSQL column takes: NUL and lone surrogates become the replacement character."""
    if "\x00" in value:
        value = value.replace("\x00", "�")
    return value.encode("utf-8", "replace").decode() if not value.isascii() else value
