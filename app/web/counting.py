"""How many rows a list has: exact while that is cheap, else what the planner believes."""

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, Executable, Select, func, literal_column, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from app.database import db

EXACT_UP_TO = 50_000
PATIENCE_MS = 250
_REMEMBERED_SECONDS = 60
_MOST_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Count:
    """`number` rows, exactly or about."""

    number: int
    exact: bool

    def words(self, one: str, many: str) -> str:
        number = f"{self.number:,}"
        return f"{number if self.exact else 'about ' + number} {one if self.number == 1 else many}"


class LongLists:
    """How long one view's long lists are, for a minute: an estimate does not change with a row, and costs as much as a page.

    What was counted is never remembered: who refunds a payment sees it in the very next count.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[float, Count]] = {}

    def count(self, rows: Select[Any], *, asked: Hashable, through: ColumnElement[bool] | None = None) -> Count:
        """See `count`; `asked` tells this list of the view from its others."""
        since, known = self._known.get(asked, (0.0, None))
        if known is not None and time.monotonic() - since < _REMEMBERED_SECONDS:
            return known
        found = count(rows, through=through)
        if not found.exact:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[asked] = (time.monotonic(), found)
        return found


def count(rows: Select[Any], *, through: ColumnElement[bool] | None = None) -> Count:
    """Count at most 50,000 rows, for at most a quarter of a second; beyond that the planner's statistics answer.

    Count last: the transaction ends with it, and with the transaction the limit of time.
    `through`: the same again, or less, as an index knows it.
    """
    expected = believed(rows)
    if expected > EXACT_UP_TO:
        return Count(_rounded(expected), exact=False)
    found = _counted(rows if through is None else rows.where(through))
    if found is None or found > EXACT_UP_TO:
        return Count(_rounded(max(expected, found or 0)), exact=False)
    return Count(found, exact=True)


def believed(rows: Select[Any]) -> int:
    """The number of rows PostgreSQL's planner expects, from its statistics; nothing is read."""
    [plan] = db.session.execute(_Explain(_keys(rows))).scalar_one()
    return int(plan["Plan"]["Plan Rows"])


def _counted(rows: Select[Any]) -> int | None:
    """Exact up to one more than the limit; None when a rare filter would have us read too much."""
    few = _keys(rows).limit(EXACT_UP_TO + 1).subquery()
    try:
        db.session.execute(text(f"SET LOCAL statement_timeout = {PATIENCE_MS}"))
        found: int = db.session.execute(select(func.count()).select_from(few)).scalar_one()
    except OperationalError as error:
        if error.connection_invalidated or "statement timeout" not in str(error.orig):
            raise
        return None
    finally:
        db.session.rollback()
    return found


def _keys(rows: Select[Any]) -> Select[Any]:
    return rows.with_only_columns(literal_column("1").label("one"), maintain_column_froms=True).order_by(None)


def _rounded(number: int) -> int:
    """Two meaningful digits: an estimate should not look like a count."""
    step: int = 10 ** max(len(str(number)) - 2, 0)
    return round(number / step) * step


class _Explain(Executable, ClauseElement):
    """EXPLAIN of a statement, its values bound like the statement's own."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain)
def _compile_explain(explain: _Explain, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(explain.statement, **options)}"
