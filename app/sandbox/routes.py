"""Which function answers which request: a table filled by decorators when the resource modules are imported."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Handler = Callable[..., Any]
Some = TypeVar("Some", bound=Handler)


@dataclass
class Node:
    """One path segment: fixed words first, then a placeholder."""

    words: dict[str, Node] = field(default_factory=dict)
    placeholder: Node | None = None
    handlers: dict[str, tuple[Handler, tuple[str, ...]]] = field(default_factory=dict)


_root = Node()
_timers: dict[str, Handler] = {}


def route(method: str, pattern: str) -> Callable[[Some], Some]:
    """`@route("POST", "/v1/refunds/{id}/cancel")`; the handler is called as handler(tx, **path) and returns an object.

    A fixed word beats a placeholder (`/v1/customers/search` beats `/v1/customers/{id}`). Lists and retrieval of every
    kind in `kinds.py` exist already; a route of the same method and pattern replaces them.
    """

    def register(handler: Some) -> Some:
        node = _root
        names: list[str] = []
        for word in _words(pattern):
            if word.startswith("{"):
                names.append(word[1:-1])
                node.placeholder = node.placeholder or Node()
                node = node.placeholder
            else:
                node = node.words.setdefault(word, Node())
        node.handlers[method] = (handler, tuple(names))
        return handler

    return register


def timer(name: str) -> Callable[[Some], Some]:
    """Register a task for `Tx.later`; it is called as task(tx, **args) when the world clock gets there."""

    def register(task: Some) -> Some:
        _timers[name] = task
        return task

    return register


def task(name: str) -> Handler | None:
    return _timers.get(name)


def match(method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
    """The handler of this request and the values of its placeholders."""
    found = _walk(_root, _words(path), (), method)
    if found is None:
        return None
    handler, names, values = found
    return handler, dict(zip(names, values, strict=True))


def _walk(
    node: Node, words: list[str], values: tuple[str, ...], method: str
) -> tuple[Handler, tuple[str, ...], tuple[str, ...]] | None:
    if not words:
        known = node.handlers.get(method)
        return (known[0], known[1], values) if known else None
    word, rest = words[0], words[1:]
    if word in node.words:
        found = _walk(node.words[word], rest, values, method)
        if found:
            return found
    if node.placeholder and word:
        return _walk(node.placeholder, rest, (*values, word), method)
    return None


def _words(path: str) -> list[str]:
    return path.strip("/").split("/")


def table() -> Node:
    """Everything that is answered."""
    return _root


def discover() -> None:
    """Import every module that answers requests, so that its decorators run."""
    for name in ("builtin", "resources", "billing", "checkout", "control", "pages"):
        package_name = f"app.sandbox.{name}"
        package = importlib.import_module(package_name)
        for module in sorted(found.name for found in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"{package_name}.{module}")
