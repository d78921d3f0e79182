"""One specimen of every shape of answer that was given, so that somebody can hold them to what Stripe's own types say.

Only when asked for (`serve --specimens`): to compare each answer with what was there before takes a millisecond.
"""

from __future__ import annotations

import re
import threading
from typing import Any

from app.sandbox import codec

MOST = 2_000
_WORD = re.compile(r"[a-z][a-z_.]{1,40}")
_CHOSEN = ("object", "status", "type", "reason", "code", "brand", "funding", "mode")
_ID = re.compile(r"/(?!v\d+/)[^/]*[0-9A-Z][^/]*(?=/|$)")


class Specimens:
    """Answers since the last `clear`, each shape once. `on` is set once, before the first request."""

    def __init__(self) -> None:
        self.on = False
        self._lock = threading.Lock()
        self._kept: dict[Any, dict[str, Any]] = {}

    def note(self, method: str, path: str, api_version: str, status: int, text: bytes) -> None:
        body = codec.loads(text)
        key = (method, _ID.sub("/ID", path), api_version, status, _shape(body))
        with self._lock:
            if key not in self._kept and len(self._kept) < MOST:
                about = {"method": method, "path": path, "api_version": api_version, "status": status}
                self._kept[key] = {**about, "body": body}

    def all(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._kept.values())

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _shape(value: Any) -> Any:
    """What is the same for answers that differ in their texts and numbers only. A list is as varied as its members."""
    if isinstance(value, dict):
        return tuple((name, _chosen(below) if name in _CHOSEN else _shape(below)) for name, below in value.items())
    if isinstance(value, list):
        return frozenset(_shape(item) for item in value)
    return type(value).__name__


def _chosen(value: Any) -> Any:
    """A word out of a fixed list; other texts do not count."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else _shape(value)
