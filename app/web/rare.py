"""Rare rows of a long list: the list is walked for a while, and then they are asked of the indexes that know them.

Walking from the newest on is cheap while every hundredth row fits, and hopeless when one in a million does. PostgreSQL has to guess
which it will be and multiplies what it knows of each condition: where conditions hang together, or their rows are all old, it walks
ten million rows. So it is not left to guess: first a walk of a known length, then all that fit, sorted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, text
from sqlalchemy.orm import InstrumentedAttribute

from app.database import db
from app.web.counting import believed

Attribute = InstrumentedAttribute[Any]
# Rows walked for each row of the page: where one in eighty fits, the page is full by then.
_NEAR = 80
# So many rows are walked in the time in which one is fetched from somewhere and sorted.
_WALKED_FOR_ONE = 2
# Rows lie closer here and wider there: a walk may take so many times what is expected before it is given up.
_LONGER = 3
# So many are never fetched and sorted.
_MANY = 300_000


@dataclass(frozen=True, slots=True)
class Sieve:
    """What rows have to fulfil that lie here and there in a list.

    conditions: asked of each row at hand. index: the same, or less, as an index knows it; without, the planner finds one itself.
    rest: those of the conditions that the index does not know. beside: those that are asked beside it; None: all.
    """

    conditions: Sequence[ColumnElement[bool]]
    index: ColumnElement[bool] | None = None
    rest: Sequence[ColumnElement[bool]] = ()
    beside: Sequence[ColumnElement[bool]] | None = None

    @property
    def narrowed(self) -> list[ColumnElement[bool]]:
        """Both: true of the same rows as the conditions, and answered through the index."""
        beside = self.conditions if self.beside is None else self.beside
        return [*beside, *([self.index] if self.index is not None else [])]


@dataclass(frozen=True, slots=True)
class Order:
    """By these columns, the last of which is the key, all in one direction."""

    columns: Sequence[Attribute]
    descending: bool

    @property
    def key(self) -> str:
        return self.columns[-1].key

    def of(self, columns: Any) -> list[Any]:
        """For ORDER BY; `columns`: those of the table, or of a part of it."""
        ours = (columns[column.key] for column in self.columns)
        return [column.desc() if self.descending else column.asc() for column in ours]


def first(rows: Select[Any], sieve: Sieve, order: Order, limit: int) -> Sequence[Any]:
    """The first `limit` of these rows, in this order, that the sieve lets through."""
    found, ended = _near(rows, sieve, order, limit, _NEAR * limit)
    if ended or len(found) == limit:
        return found
    every = max(believed(rows), 1)
    expected = _expected(rows, sieve, every)
    length = limit * every // max(expected, 1)
    if length < _WALKED_FOR_ONE * expected:
        found, ended = _near(rows, sieve, order, limit, max(_LONGER * length, 1))
        if ended or len(found) == limit:
            return found
        if expected > _MANY:
            return db.session.scalars(_in(order, rows.where(*sieve.conditions)).limit(limit)).all()
    return _sorted(rows, sieve, order, limit)


def few(rows: Select[Any], sieve: Sieve, *, at_most: int) -> bool:
    """Whether no more than so many fit, as far as the planner knows: who reads all of them asks the index then, else walks."""
    return _expected(rows, sieve, max(believed(rows), 1)) <= at_most


def _expected(rows: Select[Any], sieve: Sieve, of: int) -> int:
    """How many of `of` rows fit: by their facets, and by the share of rows of which the rest is true.

    Not by all conditions at once: of those that hang together, such as a refusal and its reason, the planner expects far too few.
    """
    if sieve.index is None:
        return believed(rows.where(*sieve.conditions))
    by_index = believed(rows.where(sieve.index))
    return by_index * believed(rows.where(*sieve.rest)) // of if sieve.rest else by_index


def _near(rows: Select[Any], sieve: Sieve, order: Order, limit: int, length: int) -> tuple[list[Any], bool]:
    """Those that fit among the first `length` rows, at most `limit`, and whether there are no rows behind them."""
    fits = and_(*sieve.conditions).label("fits")
    walk = _in(order, _only(rows, *order.columns, fits)).limit(length).subquery("walk")
    step = func.row_number().over(order_by=order.of(walk.c)).label("step")
    steps = select(walk.c[order.key], walk.c.fits, step).subquery("steps")
    # The last step is told whatever it found, so that an end that was reached is told from a walk that was too short.
    told = select(steps).where(steps.c.fits | (steps.c.step == length)).order_by(steps.c.step).limit(limit)
    near = told.subquery("near")
    whole = rows.where(order.columns[-1] == near.c[order.key]).add_columns(near.c.fits, near.c.step)
    found = db.session.execute(whole.order_by(None).order_by(near.c.step)).all()
    return [row for row, fitting, _ in found if fitting], not found or found[-1].step < length


def _sorted(rows: Select[Any], sieve: Sieve, order: Order, limit: int) -> Sequence[Any]:
    """The first of all that fit."""
    # Of more rows than it has room for PostgreSQL would remember only the pages, and ask each row there again.
    db.session.execute(text("SET LOCAL work_mem = '64MB'"))
    # Materialized: told of the limit, the planner would walk after all.
    few = _only(rows.where(*sieve.narrowed), *order.columns).cte("few").prefix_with("MATERIALIZED")
    page = select(few.c[order.key]).order_by(*order.of(few.c)).limit(limit).subquery("page")
    return db.session.scalars(_in(order, rows.where(order.columns[-1] == page.c[order.key]))).all()


def _only(rows: Select[Any], *columns: Any) -> Select[Any]:
    return rows.with_only_columns(*columns, maintain_column_froms=True)


def _in(order: Order, rows: Select[Any]) -> Select[Any]:
    return rows.order_by(None).order_by(*order.of({column.key: column for column in order.columns}))
