"""Which kinds of acts there are: each feature has its table, and the factory puts them together."""

from collections.abc import Iterable, Mapping

from flask import Flask, current_app

from app.acts.kinds import ActKind


def init_acts(app: Flask, *tables: Iterable[ActKind]) -> None:
    """Make these kinds known to the recovery and the pages.

    Raises:
        ValueError: two kinds have the same name.
    """
    kinds: dict[str, ActKind] = {}
    for kind in (kind for table in tables for kind in table):
        if kind.name in kinds:
            raise ValueError(f"Two kinds of acts are called {kind.name}.")
        kinds[kind.name] = kind
    app.extensions["acts"] = kinds


def kinds() -> Mapping[str, ActKind]:
    """By name, for the application whose context this is."""
    found: dict[str, ActKind] = current_app.extensions["acts"]
    return found
