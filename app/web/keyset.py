"""Paging by where we are, not by how many came before: page 10,000 costs what page 1 costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.database import db
from app.errors import BadRequest
from app.web import rare
from app.web.rare import Order, Sieve

Row = TypeVar("Row")
Attribute = InstrumentedAttribute[Any]
LAST: Final = "last"


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two rows: behind or in front of the row with this value and key."""

    side: Literal["after", "before"]
    value: Any
    key: Any


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows of one page, top to bottom, and whether there are more on either side."""

    rows: Sequence[Row]
    has_before: bool
    has_after: bool


@dataclass(frozen=True, slots=True)
class Keyset:
    """One order of one table: by `column`, then by `key`, both in one direction, as an index has them.

    Empty values stand where PostgreSQL's plain index has them: at the end of ascending, at the start of descending.
    `name`: what the address calls this order; a cursor of one list and order is worth nothing in another.
    """

    name: str
    column: Attribute
    key: Attribute
    descending: bool

    def page(
        self, rows: Select[Row], *, size: int, at: Position | Literal["last"] | None, sieve: Sieve | None = None
    ) -> Page[Row]:
        """At most `size` rows at this place. Where a place has become empty, the nearest page is shown instead.

        `sieve`: what rows have to fulfil besides, where those that do may be rare.
        """
        if at is None:
            found = self._walk(rows, None, size + 1, descending=self.descending, sieve=sieve)
            return Page(found[:size], has_before=False, has_after=len(found) > size)
        backwards = at == LAST or (isinstance(at, Position) and at.side == "before")
        start = at if isinstance(at, Position) else None
        found = self._walk(rows, start, size + 1, descending=self.descending != backwards, sieve=sieve)
        more = len(found) > size
        if not backwards:
            return Page(found[:size], True, more) if found else self.page(rows, size=size, at=LAST, sieve=sieve)
        if start is not None and len(found) <= size:
            # The way back ended within this page: show the first page whole.
            return self.page(rows, size=size, at=None, sieve=sieve)
        return Page(found[:size][::-1], has_before=more, has_after=start is not None)

    def batch(
        self, rows: Select[Row], *, size: int, after: Position | None, sieve: Sieve | None = None
    ) -> Sequence[Row]:
        """The next `size` rows, for reading a whole list piece by piece."""
        return self._walk(rows, after, size, descending=self.descending, sieve=sieve)

    def stretches(self, rows: Select[Any], *, sizes: Iterator[int]) -> Iterator[Sequence[ColumnElement[bool]]]:
        """The whole list cut into pieces of about these sizes: for each the conditions that cut it out.

        Each is one stretch of the index. What comes in meanwhile is in the stretch where it belongs or not there at all; no row
        is met twice or left out.
        """
        empty = [[self.column.is_(None)]] if self._may_be_empty else []
        if self.descending:
            yield from empty
        is_there = [self.column.is_not(None)] if empty else []
        start: list[ColumnElement[bool]] = []
        while end := self._nth(rows.where(*is_there, *start), next(sizes)):
            yield [*is_there, *start, ~self._beyond(end)]
            start = [self._beyond(end)]
        yield [*is_there, *start]
        if not self.descending:
            yield from empty

    def sorted(self, rows: Select[Any]) -> Select[Any]:
        """All of them in this order."""
        return rows.order_by(None).order_by(*(c.desc() if self.descending else c.asc() for c in self._columns()))

    def position(self, row: object, side: Literal["after", "before"]) -> Position:
        return Position(side, getattr(row, self.column.key), getattr(row, self.key.key))

    def _walk(
        self, rows: Select[Row], start: Position | None, limit: int, *, descending: bool, sieve: Sieve | None
    ) -> Sequence[Row]:
        # Each part is one stretch of an index; a single condition with OR would read the index from its start.
        parts = [rows] if start is None else [rows.where(part) for part in self._parts(start, descending=descending)]
        order = Order(self._columns(), descending)
        found: list[Row] = []
        for part in parts:
            if len(found) < limit:
                found += self._first(part, order, limit - len(found), sieve)
        return found

    def _first(self, rows: Select[Row], order: Order, limit: int, sieve: Sieve | None) -> Sequence[Row]:
        if sieve is not None:
            return rare.first(rows, sieve, order, limit)
        ordered = rows.order_by(None).order_by(*order.of({column.key: column for column in order.columns}))
        return db.session.execute(ordered.limit(limit)).scalars().all()

    def _parts(self, start: Position, *, descending: bool) -> list[ColumnElement[bool]]:
        key = literal(start.key, self.key.type)
        if start.value is None:
            beyond = self.key < key if descending else self.key > key
            rest = [self.column.is_not(None)] if descending else []
            return [self.column.is_(None) & beyond, *rest]
        here = tuple_(*self._columns())
        values = (key,) if self.column is self.key else (literal(start.value, self.column.type), key)
        there = tuple_(*values)
        parts: list[ColumnElement[bool]] = [here < there if descending else here > there]
        if not descending and self._may_be_empty:
            parts.append(self.column.is_(None))
        return parts

    def _nth(self, rows: Select[Any], number: int) -> Position | None:
        """Where that row stands; None where there are fewer."""
        places = self.sorted(rows.with_only_columns(self.column, self.key, maintain_column_froms=True))
        found = db.session.execute(places.offset(number - 1).limit(1)).first()
        return Position("after", *found) if found else None

    def _beyond(self, place: Position) -> ColumnElement[bool]:
        """Behind this place, which has a value: one stretch of the index."""
        [first, *_] = self._parts(place, descending=self.descending)
        return first

    def _columns(self) -> tuple[Attribute, ...]:
        return (self.key,) if self.column is self.key else (self.column, self.key)

    @property
    def _may_be_empty(self) -> bool:
        return bool(self.column.property.columns[0].nullable)


class Cursors:
    """Positions as text in an address: signed, so that only places we gave out are walked to."""

    def __init__(self, secret: str, keyset: Keyset) -> None:
        direction = "desc" if keyset.descending else "asc"
        self._keyset = keyset
        self._signer = URLSafeSerializer(secret, salt=f"cursor:{keyset.name}:{direction}")

    def write(self, position: Position) -> str:
        """The position as a URL-safe word."""
        return str(self._signer.dumps([position.side == "after", _to_json(position.value), _to_json(position.key)]))

    def read(self, token: str) -> Position:
        """The position back again.

        Raises:
            BadRequest: it was changed, or made for another list, order or installation.
        """
        try:
            is_after, value, key = self._signer.loads(token)
        except BadData as error:
            raise BadRequest("This page of the list is no longer valid. Start again from its first page.") from error
        return Position(
            "after" if is_after else "before",
            _from_json(value, self._keyset.column),
            _from_json(key, self._keyset.key),
        )


def _to_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _from_json(value: Any, column: Attribute) -> object:
    if value is None:
        return None
    kind = column.type.python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    return UUID(value) if kind is UUID else value
