"""Which parameters the official SDK declares for each POST address."""

import importlib
import re
import sys
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import stripe
import typing_extensions
from stripe._request_options import RequestOptions

SOURCES = Path(stripe.__file__).parent
IMPORTED = re.compile(r"from (stripe\.params[\w.]*) import (\([\w\s,]+\)|\w+)")
POSTED = re.compile(r'"post",\s*"(/v1/[^"]+)"')
TAKES = re.compile(r'params: (?:Optional\[)?\s*"(\w+)"')


@cache
def declared() -> dict[str, type]:
    """`/v1/invoices/{}/pay` → the TypedDict of its parameters."""
    found = {}
    for source in sorted(SOURCES.rglob("_*_service.py")):
        text = source.read_text()
        home = {name: module for module, names in IMPORTED.findall(text) for name in re.findall(r"\w+", names)}
        for method in re.split(r"\n    def ", text):
            posted, takes = POSTED.search(method), TAKES.search(method)
            if posted and takes:
                pattern = re.sub(r"\{\w+\}", "{}", posted[1])
                found[pattern] = getattr(importlib.import_module(home[takes[1]]), takes[1])
    return found


def names(kind: type, depth: int = 2) -> Iterator[str]:
    """`items`, `items[0][price]`, …: every parameter, this many levels deep."""
    for name, hint in hints(kind).items():
        yield name
        if depth > 1:
            for below, index in hashes(hint, vars(sys.modules[kind.__module__])):
                for inner in names(below, depth - 1):
                    head, bracket, rest = inner.partition("[")
                    yield f"{name}{index}[{head}]{bracket}{rest}"


def hints(kind: type) -> dict[str, Any]:
    """Without what the SDK keeps for itself (`idempotency_key`, …)."""
    return {name: hint for name, hint in kind.__annotations__.items() if name not in RequestOptions.__annotations__}


def hashes(hint: Any, around: dict[str, Any], index: str = "") -> Iterator[tuple[type, str]]:
    """The TypedDicts a hint speaks of, each with "[0]" if it is one of a list."""
    if isinstance(hint, typing.ForwardRef | str):
        hint = _named(hint if isinstance(hint, str) else hint.__forward_arg__, around)
    if typing_extensions.is_typeddict(hint):
        yield hint, index
    for inner in typing.get_args(hint):
        if typing.get_origin(hint) is not typing.Literal:
            yield from hashes(inner, around, "[0]" if typing.get_origin(hint) is list else index)


def _named(words: str, around: dict[str, Any]) -> Any:
    """What an annotation says; names that the SDK imports for type checkers only mean nothing here."""
    known = dict(around)
    while True:
        try:
            return eval(words, known)  # noqa: S307 - the SDK's own annotations
        except NameError as missing:
            known[str(missing.name)] = getattr(typing, str(missing.name), Any)
