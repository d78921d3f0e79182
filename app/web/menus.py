"""What stands above a list to choose how it is looked at: its kept views, and its columns."""

from typing import Any
from urllib.parse import urlencode

from flask import url_for

from app.errors import BadRequest
from app.web.asked import EVERYTHING, Asked, AskedOf, in_order
from app.web.columns import Column
from app.web.shelves import IN_MENU, Shelf


def menu(asked: Asked, shelf: Shelf, *, many: str) -> dict[str, Any]:
    """The menu of views; see `views` in templates/admin/model/layout.html."""
    kept = asked.kept
    name = f"All {many}"
    return {
        "label": kept.name if kept else name,
        "everything": {"name": name, "url": _everything(asked), "here": kept is None},
        "views": [
            {
                "name": view.name,
                "url": url_for(f"{asked.view.endpoint}.index_view", view=view.id),
                "hint": "" if view.is_mine and not view.shared else "shared" if view.is_mine else f"by {view.owner}",
                "opens": view.opens,
                "here": kept is not None and kept.id == view.id,
            }
            for view in sorted(shelf.views, key=lambda view: (not view.is_mine, view.name.lower()))
        ],
        "has_more": len(shelf.views) == IN_MENU,
        "current": kept,
        "is_changed": asked.is_changed,
        "lost": asked.lost,
        "list": asked.view.endpoint,
        "asked": urlencode(asked.state),
        "searches": bool(asked.search),
        "is_worth_keeping": bool(asked.state) and (kept is None or asked.is_changed),
    }


def chooser(asked: Asked, *, is_open: bool) -> dict[str, Any]:
    """The panel of columns: those that are shown in their order, then the others."""
    shown = [column.name for column in asked.columns]
    others = [column for column in asked.view.columns if column.name not in shown]
    usual = [column for column in asked.view.columns if column.usual]
    return {
        "columns": [
            {"name": column.name, "label": column.label, "shown": column.name in shown, "fixed": place == 0}
            for place, column in enumerate([*asked.columns, *others])
        ],
        "hidden": asked.hidden_but_columns,
        "usual_url": asked.with_columns(tuple(usual)) if asked.columns_chosen else None,
        "is_open": is_open,
    }


def moved(view: AskedOf, names: list[str], move: str) -> tuple[Column[Any], ...]:
    """These columns, one of them a place up or down: `up:email`.

    Raises:
        BadRequest: the list has no such column.
    """
    direction, _, name = move.partition(":")
    try:
        columns = list(in_order(view, names))
    except KeyError as error:
        raise BadRequest("This list has no such column.") from error
    at = next((place for place, column in enumerate(columns) if column.name == name), 0)
    to = at + {"up": -1, "down": 1}.get(direction, 0)
    # The first one stays where it is: it is the link of the line.
    if at > 0 and 0 < to < len(columns):
        columns[at], columns[to] = columns[to], columns[at]
    return tuple(columns)


def _everything(asked: Asked) -> str:
    return url_for(f"{asked.view.endpoint}.index_view", view=EVERYTHING if asked.has_default else None)
