"""What a list would show, as figures, for code that watches it: how many, how much, since when."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import current_app, g
from sqlalchemy import ColumnElement, DateTime, Select, func, literal_column, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import InstrumentedAttribute

from app.database import db
from app.errors import Conflict
from app.web.asked import Asked
from app.web.listing import ListView
from app.web.permissions import Permission
from app.web.shelves import understood

AnyList = ListView[Any, Any]
PATIENCE_SECONDS = 10
# When something came in: the first that a table has.
_MOMENTS = ("created_at", "received_at", "requested_at", "queued_at", "raised_at", "at")


class TooLong(Conflict):
    """The list cannot be looked through in the time there is."""


def lists() -> dict[str, AnyList]:
    """Every list of the staff pages by its name."""
    owners = (getattr(view, "__self__", None) for view in current_app.view_functions.values())
    return {owner.endpoint: owner for owner in owners if isinstance(owner, ListView)}


def can_be_watched(view: AnyList) -> bool:
    """Its rows are the same whoever looks: they belong to the account, and one permission opens them all."""
    return view.of_account and isinstance(view.permission, Permission) and moment(view) is not None


def moment(view: AnyList) -> InstrumentedAttribute[datetime] | None:
    """When a row of it came in."""
    for name in _MOMENTS:
        found = getattr(view.model, name, None)
        if isinstance(found, InstrumentedAttribute) and isinstance(found.type, DateTime):
            return found
    return None


def has_money(view: AnyList) -> bool:
    """Its rows are amounts of a currency."""
    return all(isinstance(getattr(view.model, name, None), InstrumentedAttribute) for name in ("amount", "currency"))


def number(view: AnyList, stored: Mapping[str, object], *, since: datetime | None, at_most: int) -> int:
    """How many rows a kept view shows; no more than `at_most` are counted. since: only those that came in from then on.

    Raises:
        Conflict: the view asks for what its list does not know any more. TooLong: ten seconds were not enough.
    """
    few = _only(_matching(view, stored, since), literal_column("1").label("one")).limit(at_most).subquery()
    return int(_answer(select(func.count()).select_from(few)) or 0)


def total(view: AnyList, stored: Mapping[str, object], *, since: datetime | None, currency: str) -> int:
    """How much the rows of this currency are together, in minor units. Raises as `number` does."""
    model: Any = view.model
    rows = _matching(view, stored, since).where(model.currency == currency)
    return int(_answer(_only(rows, func.coalesce(func.sum(model.amount), 0))) or 0)


def oldest(view: AnyList, stored: Mapping[str, object], *, since: datetime | None) -> datetime | None:
    """When the oldest of them came in. Raises as `number` does."""
    came_in: Any = moment(view)
    found: datetime | None = _answer(_only(_matching(view, stored, since), func.min(came_in)))
    return found


@contextmanager
def seen_with(permissions: frozenset[Permission]) -> Iterator[None]:
    """Inside, lists are asked with these rights, whoever is or is not at the other end."""
    before = {name: g.get(name) for name in ("permissions", "unmasked")}
    g.permissions, g.unmasked = permissions, frozenset()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                g.pop(name, None)
            else:
                setattr(g, name, value)


def _matching(view: AnyList, stored: Mapping[str, object], since: datetime | None) -> Select[Any]:
    state, lost = understood(view, stored)
    if lost:
        # What silently left a filter out would count something else.
        raise Conflict(f"The view asks for what its list does not know any more: {', '.join(lost)}.")
    rows = view.matching(Asked.read(view, state))
    came_in: ColumnElement[datetime] | None = moment(view)  # type: ignore[assignment] # an attribute is one
    return rows if since is None or came_in is None else rows.where(came_in >= since)


def _only(rows: Select[Any], column: ColumnElement[Any]) -> Select[Any]:
    return rows.with_only_columns(column, maintain_column_froms=True).order_by(None)


def _answer(statement: Select[Any]) -> Any:
    """Ask with a limit of time; the transaction ends with it."""
    try:
        db.session.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE_SECONDS}s'"))
        return db.session.execute(statement).scalar()
    except OperationalError as error:
        if error.connection_invalidated or "statement timeout" not in str(error.orig):
            raise
        raise TooLong(f"Looking through it took more than {PATIENCE_SECONDS} seconds. Narrow the view.") from error
    finally:
        db.session.rollback()
