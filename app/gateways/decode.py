"""Bytes from outside to JSON objects, fast; odd but legal texts included."""

import json
from typing import Any

import orjson


class NotJson(ValueError):
    """These bytes are no JSON object."""


def loads(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Half a surrogate pair (`"\\ud800"`) is let through: the mirror's door replaces it.

    Raises:
        NotJson: broken, cut short, nested without end, or not an object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _loads_slowly(body)
    if not isinstance(value, dict):
        raise NotJson("not a JSON object")
    return value


def _loads_slowly(body: bytes) -> Any:
    """What orjson refuses and Python's own parser takes. Only texts with an escape of a surrogate are worth the second try."""
    if b"\\ud" not in body and b"\\uD" not in body:
        raise NotJson("broken JSON")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson("broken JSON") from error
