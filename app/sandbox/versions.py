"""Which shape a caller sees: bodies are kept in the newest version's shape and rendered down for older ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.sandbox.errors import StripeError
from app.sandbox.params import Obj

NEWEST = "2026-10-28.endive"
_FORM = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")

Converter = Callable[[Obj], None]
_converters: dict[str, list[tuple[str, Converter]]] = {}


def before(release: str, kind: str) -> Callable[[Converter], Converter]:
    """Register a change of shape: `@before("2026-09-30", "refund")` runs on a copy for callers older than that day."""

    def register(converter: Converter) -> Converter:
        steps = _converters.setdefault(kind, [])
        steps.append((release, converter))
        steps.sort(key=lambda step: step[0], reverse=True)  # newest change is undone first
        return converter

    return register


def check(version: str) -> str:
    """The version of a Stripe-Version header, or Stripe's refusal."""
    if not _FORM.fullmatch(version):
        raise StripeError(f"Invalid Stripe API version: {version}")
    return version


def at_least(version: str, release: str) -> bool:
    """Does this caller live after that release day? Gates read like `if at_least(tx.api_version, "2026-09-30")`."""
    return version[:10] >= release[:10]


def is_raw(kind: str, version: str) -> bool:
    """May the stored text be sent as it is?"""
    return not any(release > version[:10] for release, _ in _converters.get(kind, ()))


def render(value: Any, version: str) -> Any:
    """The value with every Stripe object in it in the shape of that version; changes dicts in place."""
    if not any(release > version[:10] for steps in _converters.values() for release, _ in steps):
        return value
    return _render(value, version)


def _render(value: Any, version: str) -> Any:
    if isinstance(value, list):
        for item in value:
            _render(item, version)
    elif isinstance(value, dict):
        kind = value.get("object")
        inner = version if kind != "event" else str(value.get("api_version") or version)
        for below in value.values():
            if isinstance(below, dict | list):
                _render(below, inner)
        for release, converter in _converters.get(kind, ()) if isinstance(kind, str) else ():
            if release > version[:10]:
                converter(value)
    return value
