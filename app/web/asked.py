"""What the address of a list asks for, checked, and the addresses that lead on from there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self
from uuid import UUID

from flask import url_for

from app.errors import BadRequest
from app.web.columns import Column
from app.web.filters import Chosen, Filter, plain_text
from app.web.keyset import LAST, Cursors, Position

SIZES = (25, 50, 100, 200)
USUAL_SIZE = 50
# In the place of a view's id: the whole list, for who would see a view without saying so.
EVERYTHING = "all"
_LONGEST_NUMBER = 6


class AskedOf(Protocol):
    """The list that is asked."""

    endpoint: str
    columns: Sequence[Column[Any]]

    @property
    def filters(self) -> Sequence[Filter]: ...
    @property
    def order(self) -> str: ...
    @property
    def newest_first(self) -> bool: ...
    @property
    def search_hint(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A view that was kept of this list. asked: its parameters as stored. opens: this person's list opens with it."""

    id: UUID
    name: str
    asked: Mapping[str, object]
    shared: bool
    is_mine: bool
    owner: str
    opens: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a list: `q`, `sort`, `dir`, `size`, `cursor`, `cols` and those of its filters. Others are ignored.

    columns: those that are shown, in their order; `columns_chosen` when that is not the usual.
    kept, kept_state: the view that was opened, and what of it the list knows. lost: what it does not know any more, in words.
    has_default: an address that says nothing would not show everything to this person. See shelves.py.
    """

    view: AskedOf
    search: str
    chosen: tuple[tuple[Filter, Chosen], ...]
    sort: str
    descending: bool
    size: int
    cursor: str
    columns: tuple[Column[Any], ...]
    columns_chosen: bool
    kept: Kept | None = None
    kept_state: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    has_default: bool = False

    @classmethod
    def read(cls, view: AskedOf, arguments: Mapping[str, str]) -> Self:
        """Read the address.

        Raises:
            BadRequest: a value makes no sense; a list that silently left a filter out would tell something untrue.
        """
        chosen = ((filter_, filter_.read(arguments)) for filter_ in view.filters)
        columns = _columns(view, arguments.get("cols", ""))
        return cls(
            view=view,
            search=plain_text(arguments.get("q", ""), "The search") if view.search_hint else "",
            chosen=tuple((filter_, choice) for filter_, choice in chosen if choice is not None),
            sort=_sort(view, arguments),
            descending=_descending(view, arguments),
            size=_size(arguments.get("size", "")),
            cursor=arguments.get("cursor", ""),
            columns=columns,
            columns_chosen=columns != usual_columns(view),
        )

    def place(self, cursors: Cursors) -> Position | Literal["last"] | None:
        """Where the page begins; None is the start."""
        if self.cursor == LAST:
            return LAST
        return cursors.read(self.cursor) if self.cursor else None

    @property
    def narrowed(self) -> bool:
        return bool(self.search or self.chosen)

    @property
    def state(self) -> dict[str, str]:
        """What a view keeps: filters, order and columns, by parameter. Not what is searched for, which is about one thing once."""
        return self._state()

    @property
    def is_changed(self) -> bool:
        """Something differs from the view that was opened."""
        return self.kept is not None and self.state != self.kept_state

    @property
    def words(self) -> list[str]:
        """Search and filters in words, for the audit trail."""
        return [*([f"Search: {self.search}"] if self.search else []), *(choice.words for _, choice in self.chosen)]

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The filter form."""
        chosen = {filter_.name: choice for filter_, choice in self.chosen}
        return [
            {
                "name": filter_.name,
                "label": filter_.label,
                "kind": filter_.kind,
                "options": filter_.choices,
                "value": chosen[filter_.name].value if filter_.name in chosen else "",
                "value_to": chosen[filter_.name].value_to if filter_.name in chosen else "",
            }
            for filter_ in self.view.filters
        ]

    @property
    def chips(self) -> list[dict[str, str]]:
        return [{"label": choice.words, "remove_url": self.url(without=filter_)} for filter_, choice in self.chosen]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the search form has to carry along."""
        base = {"based_on": str(self.kept.id)} if self.kept else {"view": EVERYTHING} if self.has_default else {}
        order = self._order_parameters(self.sort, descending=self.descending, columns=self.columns)
        return list((base | order | self._size_parameter(self.size)).items())

    @property
    def hidden_but_columns(self) -> list[tuple[str, str]]:
        """What the form that chooses columns has to carry along."""
        filters = {name: value for name, value in self.state.items() if name not in {"sort", "dir", "cols"}}
        search = {"q": self.search} if self.search else {}
        return [pair for pair in [*self.hidden, *filters.items(), *search.items()] if pair[0] != "cols"]

    @property
    def sizes(self) -> list[tuple[int, str]]:
        return [(size, self.url(size=size)) for size in SIZES]

    def sorting(self, column: Column[Any]) -> dict[str, str | None]:
        """`sort_url` and `sort_dir` of a heading; a second click turns the order round."""
        if column.sort is None:
            return {"sort_url": None, "sort_dir": None}
        current = column.name == self.sort
        descending = not self.descending if current else self.view.newest_first
        direction = ("desc" if self.descending else "asc") if current else None
        return {"sort_url": self.url(sort=(column.name, descending)), "sort_dir": direction}

    def url(  # noqa: PLR0913 - each says what differs, by name
        self,
        *,
        page: str = "index_view",
        search: bool = True,
        filters: bool = True,
        without: Filter | None = None,
        sort: tuple[str, bool] | None = None,
        size: int | None = None,
        cursor: str = "",
    ) -> str:
        """The address of this list with something changed; every change but a cursor starts from the first page."""
        name, descending = sort or (self.sort, self.descending)
        state = self._state(filters=filters, without=without, sort=name, descending=descending)
        parameters = self._based(state) | self._size_parameter(size or self.size)
        if search and self.search:
            parameters["q"] = self.search
        if cursor:
            parameters["cursor"] = cursor
        return url_for(f"{self.view.endpoint}.{page}", _external=False, **parameters)

    def with_columns(self, columns: tuple[Column[Any], ...]) -> str:
        """The address of this list with other columns."""
        return replace(self, columns=columns, columns_chosen=columns != usual_columns(self.view)).url()

    def _based(self, state: dict[str, str]) -> dict[str, str]:
        """The parameters that ask for this state: a kept view by its id, so that what is kept can change and the address stays."""
        if self.kept:
            is_kept = state == self.kept_state
            return {"view": str(self.kept.id)} if is_kept else {"based_on": str(self.kept.id), **state}
        return state or ({"view": EVERYTHING} if self.has_default else {})

    def _state(
        self,
        *,
        filters: bool = True,
        without: Filter | None = None,
        sort: str | None = None,
        descending: bool | None = None,
    ) -> dict[str, str]:
        down = self.descending if descending is None else descending
        parameters = self._order_parameters(sort or self.sort, descending=down, columns=self.columns)
        for filter_, choice in self.chosen:
            if filters and filter_ is not without:
                values = zip(filter_.parameters, (choice.value, choice.value_to), strict=False)
                parameters |= {parameter: value for parameter, value in values if value}
        return parameters

    def _order_parameters(self, sort: str, *, descending: bool, columns: Sequence[Column[Any]]) -> dict[str, str]:
        """Only what differs from the usual, so that plain addresses stay plain."""
        parameters = {}
        if (sort, descending) != (self.view.order, self.view.newest_first):
            parameters = {"sort": sort, "dir": "desc" if descending else "asc"}
        if self.columns_chosen:
            parameters["cols"] = ",".join(column.name for column in columns)
        return parameters

    def _size_parameter(self, size: int) -> dict[str, str]:
        return {} if size == USUAL_SIZE else {"size": str(size)}


def usual_columns(view: AskedOf) -> tuple[Column[Any], ...]:
    """What a list shows to who has chosen nothing."""
    return tuple(column for column in view.columns if column.usual)


def in_order(view: AskedOf, names: Iterable[str]) -> tuple[Column[Any], ...]:
    """These columns in this order, each once, the list's first one before them: it is the link of the line.

    Raises:
        KeyError: a name the list does not have.
    """
    known = {column.name: column for column in view.columns}
    return tuple(known[name] for name in dict.fromkeys([view.columns[0].name, *names]))


def _columns(view: AskedOf, asked: str) -> tuple[Column[Any], ...]:
    if not asked:
        return usual_columns(view)
    try:
        return in_order(view, asked.split(","))
    except KeyError as error:
        raise BadRequest("This list has no such column.") from error


def _sort(view: AskedOf, arguments: Mapping[str, str]) -> str:
    asked = arguments.get("sort") or view.order
    if asked not in {column.name for column in view.columns if column.sort is not None}:
        raise BadRequest("This list cannot be sorted by that.")
    return asked


def _descending(view: AskedOf, arguments: Mapping[str, str]) -> bool:
    asked = arguments.get("dir", "")
    if asked not in {"", "asc", "desc"}:
        raise BadRequest("A list is sorted up (asc) or down (desc).")
    return asked == "desc" if asked else view.newest_first


def _size(asked: str) -> int:
    """Rows per page: at most 200, whatever was asked for."""
    if not asked:
        return USUAL_SIZE
    if not (asked.isascii() and asked.isdigit() and int(asked[:_LONGEST_NUMBER]) > 0):
        raise BadRequest("The number of rows on a page must be a whole number from 1 to 200.")
    return min(int(asked[:_LONGEST_NUMBER]), SIZES[-1])
