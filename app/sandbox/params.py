"""Stripe's way of writing parameters, decoded, and the questions handlers ask of them.

`a[b][0]=c` becomes {"a": {"b": ["c"]}}; every leaf is text, "" means unset. Uploaded files arrive as `Upload`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from app.sandbox.errors import StripeError, invalid, missing, unknown

Params = dict[str, Any]
Obj = dict[str, Any]

MAX_DEPTH = 12
LAST_MOMENT = 32_503_680_000
"""The year 3000: the last second that pages and periods count with."""


@dataclass(frozen=True)
class Upload:
    """One file of a multipart body."""

    filename: str
    content_type: str
    content: bytes


def decode(text: str) -> Params:
    """A query string or form body as nested dicts and lists."""
    return nest(parse_qsl(text, keep_blank_values=True, errors="replace"))


def nest(pairs: Iterable[tuple[str, Any]]) -> Params:
    root: Params = {}
    for key, value in pairs:
        _put(root, _path(key), value)
    return {name: _listed(value) for name, value in root.items()}


def _path(key: str) -> list[str]:
    head, bracket, rest = key.partition("[")
    if not bracket or not rest.endswith("]") or not head:
        return [key]
    path = [head, *rest[:-1].split("][")]
    if len(path) > MAX_DEPTH:
        raise invalid("The parameters are nested too deeply.", param=head)
    return path


def _put(node: dict[str, Any], path: list[str], value: Any) -> None:
    for position, word in enumerate(path[:-1]):
        name = word if word or position == 0 else _open_index(node, path[position + 1 :])
        below = node.get(name)
        if not isinstance(below, dict):
            below = node[name] = {}
        node = below
    node[path[-1] or str(len(node))] = value


def _open_index(node: dict[str, Any], rest: list[str]) -> str:
    """`items[][price]=a&items[][quantity]=2&items[][price]=b`: a repeated name starts the next item."""
    last = str(len(node) - 1)
    current = node.get(last)
    if isinstance(current, dict) and rest[0] not in current:
        return last
    return str(len(node))


def _listed(value: Any) -> Any:
    """Dicts whose keys are all numbers were lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(below) for name, below in value.items()}
    if inner and all(name.isascii() and name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def allow(params: Mapping[str, Any], *names: str) -> None:
    """Refuse what this endpoint does not know."""
    strange = [name for name in params if name not in names]
    if strange:
        raise unknown(*strange)


def need(params: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if params.get(name) in (None, ""):
            raise missing(name)


def text(params: Mapping[str, Any], name: str, *, limit: int = 5000) -> str | None:
    """The text, or None when absent or unset with ""."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {value!r}", param=name)
    if len(value) > limit:
        raise invalid(f"Invalid string: {value[:20]}...; must be at most {limit} characters", param=name)
    return value


def integer(params: Mapping[str, Any], name: str, *, least: int | None = None) -> int | None:
    value = params.get(name)
    if value is None or value == "":
        return None
    number = to_integer(value, name)
    if least is not None and number < least:
        raise StripeError(
            f"This value must be greater than or equal to {least}.", code="parameter_invalid_integer", param=name
        )
    return number


def to_integer(value: Any, param: str) -> int:
    digits = value[1:] if isinstance(value, str) and value.startswith("-") else value
    if not isinstance(digits, str) or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)
    return int(value)


def moment(params: Mapping[str, Any], name: str) -> int | None:
    """A Unix timestamp that has a date."""
    value = params.get(name)
    return None if value is None or value == "" else to_moment(value, name)


def to_moment(value: Any, param: str) -> int:
    digits = str(value)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12 or int(digits) > LAST_MOMENT:
        raise invalid(f"Invalid timestamp: {value}; must be an integer Unix timestamp.", param=param)
    return int(digits)


def boolean(params: Mapping[str, Any], name: str) -> bool | None:
    value = params.get(name)
    if value is None or value == "":
        return None
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def choice(params: Mapping[str, Any], name: str, options: Iterable[str]) -> str | None:
    value = text(params, name)
    known = tuple(options)
    if value is not None and value not in known:
        listed = ", ".join(known[:-1]) + f", or {known[-1]}" if len(known) > 1 else known[0]
        raise invalid(f"Invalid {name}: must be one of {listed}", param=name)
    return value


def hash_of(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A nested hash; absent or unset gives an empty one."""
    value = params.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=name)
    return value


def list_of(params: Mapping[str, Any], name: str) -> list[Any]:
    value = params.get(name)
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise invalid("Invalid array", param=name)
    return value


def hashes_of(params: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """An array of hashes."""
    found = list_of(params, name)
    for number, one in enumerate(found):
        if not isinstance(one, dict):
            raise invalid("Invalid object", param=f"{name}[{number}]")
    return found


def chosen_id(params: Mapping[str, Any]) -> str | None:
    """The `id` that a caller chose for a new object; it must fit into an address and into a column."""
    value = text(params, "id", limit=200)
    if value is not None and (not value.isprintable() or "/" in value):
        raise invalid("Invalid id: use letters, digits, dashes and underscores.", param="id")
    return value


def metadata(params: Mapping[str, Any], old: Mapping[str, str] | None = None) -> dict[str, str]:
    """The metadata after this request: keys are merged, "" removes a key, `metadata=""` removes all."""
    given = params.get("metadata")
    if given is None:
        return dict(old or {})
    if given == "":
        return {}
    if not isinstance(given, dict):
        raise invalid("Invalid object", param="metadata")
    merged = dict(old or {})
    for key, value in given.items():
        if len(key) > 40:
            raise invalid(f"Metadata keys can have up to 40 characters: {key[:50]}", param="metadata")
        if not isinstance(value, str):
            raise invalid(f"Metadata values must be strings: {key}", param=f"metadata[{key}]")
        if len(value) > 500:
            raise invalid(f"Metadata values can have up to 500 characters: {key}", param=f"metadata[{key}]")
        merged.pop(key, None) if value == "" else merged.update({key: value})
    if len(merged) > 50:
        raise invalid("Metadata can have up to 50 keys.", param="metadata")
    return merged
