"""Lists: one table, newest first, searched, filtered, sorted, paged and downloaded, all by what the address says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, ClassVar, Generic, TypeVar

from flask import Response, current_app, redirect, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, defer, load_only

from app.database import Base, db
from app.web import menus, rare, shelves, witness
from app.web.accounts import current_account_id
from app.web.admin import StaffView, expose, may, sees
from app.web.asked import Asked
from app.web.columns import Column
from app.web.counting import Count, LongLists
from app.web.export import FORMATS, copied_answer, csv_answer, jsonl_answer, xlsx_answer
from app.web.filters import Filter
from app.web.in_sql import Cell
from app.web.keyset import Cursors, Keyset, Page
from app.web.permissions import Permission, needs
from app.web.rare import Sieve
from app.web.straight import straight_to

Row = TypeVar("Row", bound=Base)
Line = TypeVar("Line")
Value = Callable[[Any], object]
EXPORT_BATCH = 2_000
# Lines of CSV that PostgreSQL writes in one go: few at first, so that something comes at once.
_FIRST, _MANY = 20_000, 250_000


class ListView(StaffView, Generic[Row, Line]):
    """A section whose start page is a list of `model`. Subclasses add detail pages with `@expose("/<id>")`.

    columns, filters: what is shown and asked; see columns.py and filters.py.
    order: the name of the column the list is sorted by when the address says nothing; `newest_first` its direction.
    noun: one and many, for the count. search_hint: the placeholder; empty means that there is no search.
    ids_lead_on: an id typed into the search leads straight to its page.
    of_account: only rows of the current Stripe account are shown (and found: another account's id is a 404).
    loaded: the columns of the table that its lines are made of, where it has many more; any other raises when it is read.
    """

    model: ClassVar[type[Base]]
    columns: Sequence[Column[Any]]
    filters: ClassVar[Sequence[Filter]] = ()
    order: ClassVar[str]
    newest_first: ClassVar[bool] = True
    noun: ClassVar[tuple[str, str]]
    lead: ClassVar[str] = ""
    search_hint: ClassVar[str] = ""
    of_account: ClassVar[bool] = True
    empty_title: ClassVar[str] = "Nothing here yet"
    empty_text: ClassVar[str] = ""
    template: ClassVar[str] = "admin/model/list.html"
    ids_lead_on: ClassVar[bool] = False
    loaded: ClassVar[Sequence[InstrumentedAttribute[Any]]] = ()

    def __init__(self) -> None:
        super().__init__()
        self._long_lists = LongLists()

    # What subclasses may answer differently.

    def rows(self) -> Select[Row]:
        """Every row this list could show. The whole object of Stripe stays in the database: lists never need it."""
        statement: Select[Any] = _every(self.model, tuple(self.loaded))
        if self.of_account:
            statement = statement.where(self.model.account_id == current_account_id())  # type: ignore[attr-defined]
        return statement

    def search(self, text: str) -> ColumnElement[bool]:
        """The condition for what was typed into the search field: stripped, not empty, at most 200 characters."""
        raise NotImplementedError

    def having(self, facets: Sequence[str]) -> ColumnElement[bool]:
        """The condition by which an index knows the rows with all these facets; for lists whose filters name some."""
        raise NotImplementedError

    def lines(self, rows: Sequence[Row]) -> Sequence[Line]:
        """What the columns are shown of: the rows themselves, or rows with what belongs to them, fetched for all at once."""
        return rows  # type: ignore[return-value]

    def line_url(self, line: Line) -> str | None:  # noqa: ARG002 - for subclasses
        """Where the line leads."""
        return None

    def exported(self, asked: Asked) -> Sequence[Column[Any]]:
        """The columns of a download."""
        return asked.columns

    def beside(self, rows: Select[Any]) -> Select[Any]:
        """The rows together with those of other tables that the columns' `written` names; none may be lost or doubled by it."""
        return rows

    # The pages.

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        if self.ids_lead_on and (page_of_id := straight_to(request.args.get("q", ""))):
            return redirect(page_of_id)
        if "pick" in request.args:
            return redirect(self._picked())
        asked, shelf = shelves.ask(self, request.args, by_default=True)
        keyset = self.keyset(asked.sort, descending=asked.descending)
        cursors = self._cursors(keyset)
        rows, sieve = self._asked_rows(asked), self._sieve(asked)
        page: Page[Row] = keyset.page(rows, size=asked.size, at=asked.place(cursors), sieve=sieve)
        listing = self._listing(asked, page, self._turner(asked, keyset, cursors, page))
        counted = self._count(rows, page, asked, sieve)
        listing |= {"count_text": counted.words(*self.noun), "menu": menus.menu(asked, shelf, many=self.noun[1])}
        return self.render(self.template, listing=listing)

    @expose("/export.csv")
    @needs(Permission.EXPORT)
    def export_csv(self) -> Response:
        """The whole list as it is filtered and sorted. Who took it is written down before the first line is sent."""
        asked = self._taken("csv")
        heading, values = _parts(column.exports for column in self.exported(asked))
        if cells := self._written(asked):
            return copied_answer(self.endpoint, heading, self._statements(asked, cells))
        return csv_answer(self.endpoint, heading, self._batches(asked, values))

    @expose("/export.xlsx")
    @needs(Permission.EXPORT)
    def export_xlsx(self) -> Response:
        """The same for Excel."""
        asked = self._taken("xlsx")
        heading, values = _parts(column.exports for column in self.exported(asked))
        return xlsx_answer(self.endpoint, self.title, heading, self._batches(asked, values))

    @expose("/export.jsonl")
    @needs(Permission.EXPORT)
    def export_jsonl(self) -> Response:
        """The same for programs."""
        asked = self._taken("jsonl")
        fields, values = _parts(column.record for column in self.exported(asked))
        return jsonl_answer(self.endpoint, fields, self._batches(asked, values))

    # Beneath.

    def keyset(self, sort: str, *, descending: bool) -> Keyset:
        """The order behind a sortable column's name, told apart by the primary key."""
        column = next(column.sort for column in self.columns if column.name == sort and column.sort is not None)
        key: InstrumentedAttribute[Any] = self.model.id  # type: ignore[attr-defined]
        return Keyset(f"{self.endpoint}.{sort}", column, key, descending)

    def matching(self, asked: Asked) -> Select[Row]:
        """All that is asked of the rows in one statement, for who wants figures and no page."""
        sieve = self._sieve(asked)
        return self._asked_rows(asked).where(*sieve.narrowed) if sieve else self._asked_rows(asked)

    def _asked_rows(self, asked: Asked) -> Select[Row]:
        """All that is asked of the rows, but for what is left to the sieve."""
        rows = self.rows().where(*(chosen.condition for filter_, chosen in asked.chosen if not filter_.sieve))
        return rows.where(self.search(asked.search)) if asked.search else rows

    def _sieve(self, asked: Asked) -> Sieve | None:
        sieving = [chosen for filter_, chosen in asked.chosen if filter_.sieve]
        if not sieving:
            return None
        facets = [chosen.facet for chosen in sieving if chosen.facet]
        index = self.having(facets) if facets else None
        rest = [chosen.condition for chosen in sieving if not chosen.facet]
        return Sieve([chosen.condition for chosen in sieving], index, rest)

    def _cursors(self, keyset: Keyset) -> Cursors:
        return Cursors(str(current_app.secret_key), keyset)

    def _picked(self) -> str:
        """Where the form that chooses columns leads: their names as they stand in it, one moved where a button said so."""
        asked, _ = shelves.ask(self, request.args, by_default=False)
        names = request.args.getlist("col")
        url = asked.with_columns(menus.moved(self, names, request.args.get("move", "")))
        # Without a script each move is a page of its own; the panel stays open on it.
        return f"{url}{'&' if '?' in url else '?'}panel=columns" if request.args.get("move") else url

    def _taken(self, end: str) -> Asked:
        asked, _ = shelves.ask(self, request.args, by_default=False)
        filters = {"filters": asked.words} if asked.words else {}
        witness.saw("list.exported", "list", self.endpoint, after={"as": end, **filters})
        return asked

    def _batches(self, asked: Asked, values: Sequence[Value]) -> Iterator[list[list[object]]]:
        keyset = self.keyset(asked.sort, descending=asked.descending)
        after = None
        rows, sieve = self._asked_rows(asked), self._sieve(asked)
        if sieve and not rare.few(rows, sieve, at_most=EXPORT_BATCH):
            # Taken in turn, batches of many are one walk along the list; each through the index, they would sort them all again.
            rows, sieve = rows.where(*sieve.conditions), None
        while batch := keyset.batch(rows, size=EXPORT_BATCH, after=after, sieve=sieve):
            after = keyset.position(batch[-1], "after")
            lines = [[value(line) for value in values] for line in self.lines(batch)]
            # Neither the rows nor a snapshot of the database is kept while the browser takes its time.
            db.session.rollback()
            db.session.expunge_all()
            yield lines

    def _written(self, asked: Asked) -> list[Cell]:
        """The cells of a line where PostgreSQL can write them all; it knows no masks, and not how to write a single empty cell."""
        chosen = self.exported(asked)
        cells = [cell for column in chosen for cell in column.written]
        is_whole = all(len(column.written) == len(column.exports) for column in chosen)
        return cells if is_whole and len(cells) > 1 and sees() else []

    def _statements(self, asked: Asked, cells: Sequence[Cell]) -> Iterator[Select[Any]]:
        """The list in order, as statements that select these cells."""
        keyset = self.keyset(asked.sort, descending=asked.descending)
        rows, sieve = self._asked_rows(asked), self._sieve(asked)
        lines = keyset.sorted(self.beside(rows).with_only_columns(*cells, maintain_column_froms=True))
        if sieve and rare.few(rows, sieve, at_most=_MANY):
            yield lines.where(*sieve.narrowed)
            return
        for stretch in keyset.stretches(rows, sizes=chain([_FIRST], repeat(_MANY))):
            yield lines.where(*stretch, *(sieve.conditions if sieve else ()))

    def _listing(self, asked: Asked, page: Page[Row], turn: Callable[[Any, int], str | None]) -> dict[str, Any]:
        """What templates/admin/model/list.html shows, but for the count."""
        return {
            "title": self.title,
            "lead": self.lead,
            "chooser": menus.chooser(asked, is_open=request.args.get("panel") == "columns"),
            "columns": [self._heading(column, asked) for column in asked.columns],
            "rows": [self._row(row, line, asked) for row, line in zip(page.rows, self.lines(page.rows), strict=True)],
            "search": {"value": asked.search, "placeholder": self.search_hint} if self.search_hint else None,
            "filters": asked.fields,
            "active_filters": asked.chips,
            "hidden": asked.hidden,
            "clear_url": asked.url(search=False, filters=False),
            "page_size": asked.size,
            "page_sizes": asked.sizes,
            "first_url": asked.url() if page.has_before else None,
            "prev_url": turn("before", 0) if page.has_before else None,
            "next_url": turn("after", -1) if page.has_after else None,
            "last_url": asked.url(cursor="last") if page.has_after else None,
            "export_urls": _export_urls(asked) if may(Permission.EXPORT) else [],
            "empty_title": "Nothing matches" if asked.narrowed else self.empty_title,
            "empty_text": "Try fewer filters or other words." if asked.narrowed else self.empty_text,
        }

    def _turner(
        self, asked: Asked, keyset: Keyset, cursors: Cursors, page: Page[Row]
    ) -> Callable[[Any, int], str | None]:
        def turn(side: Any, index: int) -> str | None:
            return asked.url(cursor=cursors.write(keyset.position(page.rows[index], side))) if page.rows else None

        return turn

    def _count(self, rows: Select[Row], page: Page[Row], asked: Asked, sieve: Sieve | None) -> Count:
        if not page.has_before and not page.has_after:
            return Count(len(page.rows), exact=True)
        of_all, through = (rows.where(*sieve.conditions), sieve.index) if sieve else (rows, None)
        return self._long_lists.count(of_all, asked=(current_account_id(), *asked.words), through=through)

    def _heading(self, column: Column[Any], asked: Asked) -> dict[str, Any]:
        # Who chose a column wants to see it on a narrow page, too.
        priority = min(column.priority, 2) if asked.columns_chosen else column.priority
        heading = {"name": column.name, "label": column.label, "align": column.align, "priority": priority}
        return heading | asked.sorting(column)

    def _row(self, row: Row, line: Line, asked: Asked) -> dict[str, Any]:
        cells: list[Markup | str] = [column.show(line) for column in asked.columns]
        return {"id": row.id, "url": self.line_url(line), "cells": cells}  # type: ignore[attr-defined]


def _parts(pairs: Iterable[Sequence[tuple[str, Value]]]) -> tuple[list[str], list[Value]]:
    """The names and the values of a file's columns."""
    together = [pair for of_column in pairs for pair in of_column]
    return [name for name, _ in together], [value for _, value in together]


def _export_urls(asked: Asked) -> list[tuple[str, str, str]]:
    return [(label, asked.url(page=f"export_{end}"), use) for end, label, use in FORMATS]


@lru_cache(maxsize=64)
def _every(model: type[Base], loaded: tuple[InstrumentedAttribute[Any], ...]) -> Select[Any]:
    """All rows without what lists leave in the database. Made once: its options cost as much as running it."""
    if loaded:
        return select(model).options(load_only(*loaded, raiseload=True))
    return select(model).options(defer(model.raw, raiseload=True)) if hasattr(model, "raw") else select(model)
