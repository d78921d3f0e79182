"""Columns of lists: how a value looks on the page, and what it is in a download."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar

from markupsafe import Markup, escape
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from app.money import Money
from app.web.admin import sees
from app.web.formatting import HERE, NOTHING, filled, mask_email, money, status_badge, when

Line = TypeVar("Line")
Attribute = InstrumentedAttribute[Any]
_LONGEST_SHOWN = 80
_NO_WORD = re.compile("[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Line]):
    """One column. `show`: the cell of a line; `exports`: (heading, value) pairs, one for each column of the download.

    fields: the same for programs, (name, value) pairs that keep their names when a heading is worded anew; made of `exports` where
    nothing else is said.
    sort: the table's column behind it; only one that an index orders, see `tests/web/test_lists.py`.
    priority: 1 is shown on a phone, 3 is the first to go. The first column of a list is its link: no link inside it.
    usual: shown where nobody chose columns.
    written: the same cells as `exports` as PostgreSQL writes them, see in_sql.py; for lists that may be very long, and only what
    needs no masking: who sees masked addresses has them written here.
    """

    name: str
    label: str
    show: Callable[[Line], Markup | str]
    exports: tuple[tuple[str, Callable[[Line], object]], ...]
    align: Literal["start", "end"] = "start"
    priority: Literal[1, 2, 3] = 2
    sort: Attribute | None = None
    fields: tuple[tuple[str, Callable[[Line], object]], ...] = ()
    usual: bool = True
    written: tuple[ColumnElement[Any], ...] = ()

    @property
    def record(self) -> tuple[tuple[str, Callable[[Line], object]], ...]:
        """What it is in a file for programs."""
        if self.fields:
            return self.fields
        if len(self.exports) == 1:
            return ((self.name, self.exports[0][1]),)
        return tuple((_NO_WORD.sub("_", heading.lower()).strip("_"), value) for heading, value in self.exports)


def text(
    name: str,
    label: str,
    value: Callable[[Line], str | None],
    *,
    url: Callable[[Line], str | None] | None = None,
    **more: Any,
) -> Column[Line]:
    """Words; with `url` they are a link where there is one."""

    def show(line: Line) -> Markup:
        words = value(line)
        if not words:
            return NOTHING
        address = url(line) if url else None
        return Markup('<a href="{}">{}</a>').format(address, words) if address else escape(words)

    return Column(name=name, label=label, show=show, exports=((label, value),), **more)


def code(name: str, label: str, value: Callable[[Line], str | None], **more: Any) -> Column[Line]:
    """An id or another code, monospaced with a button that copies it; not for the first column, which is a link."""

    def show(line: Line) -> Markup:
        found = value(line)
        return filled(found, "fields", "copyable", HERE, label) if found else NOTHING

    return Column(name=name, label=label, show=show, exports=((label, value),), **more)


def amount(name: str, label: str, value: Callable[[Line], Money | None], **more: Any) -> Column[Line]:
    """Money. A download holds the number and its currency apart, so that a spreadsheet can add the numbers up; one for programs
    has the minor units as well."""

    def show(line: Line) -> Markup:
        found = value(line)
        return money(found.minor, found.currency) if found is not None else NOTHING

    def currency(line: Line) -> str | None:
        found = value(line)
        return found.currency.upper() if found is not None else None

    def minor(line: Line) -> int | None:
        found = value(line)
        return found.minor if found is not None else None

    more = {
        "align": "end",
        "priority": 1,
        "fields": ((name, value), (f"{name}_currency", currency), (f"{name}_minor", minor)),
        **more,
    }
    return Column(name=name, label=label, show=show, exports=((label, value), (f"{label} currency", currency)), **more)


def number(name: str, label: str, value: Callable[[Line], int | None], **more: Any) -> Column[Line]:
    """A whole number, grouped by thousands on the page."""

    def show(line: Line) -> Markup:
        found = value(line)
        return NOTHING if found is None else Markup('<span class="number">{}</span>').format(f"{found:,}")

    return Column(name=name, label=label, show=show, exports=((label, value),), **{"align": "end", **more})


def status(name: str, label: str, kind: str, value: Callable[[Line], str | None], **more: Any) -> Column[Line]:
    """A badge; `kind` is a row of the table in templates/macros/status.html."""

    def show(line: Line) -> Markup:
        return _badge(kind, value(line))

    return Column(name=name, label=label, show=show, exports=((label, value),), **{"priority": 1, **more})


def instant(name: str, label: str, value: Callable[[Line], datetime | None], **more: Any) -> Column[Line]:
    """A moment, in the reader's time zone on the page and in UTC in the download."""
    exports = ((f"{label} (UTC)", value),)
    return Column(name=name, label=label, show=lambda line: when(value(line)), exports=exports, **more)


def data(name: str, label: str, value: Callable[[Line], dict[str, Any] | None], **more: Any) -> Column[Line]:
    """What is kept as JSON: short on the page, whole in a download."""

    def show(line: Line) -> Markup:
        found = value(line)
        if not found:
            return NOTHING
        words = ", ".join(f"{key}: {_shortened(inner)}" for key, inner in found.items())
        return escape(_shortened(words))

    return Column(name=name, label=label, show=show, exports=((label, value),), **more)


def email(name: str, label: str, value: Callable[[Line], str | None], **more: Any) -> Column[Line]:
    """An address, masked for those who may not see personal data, in the download as well."""
    return text(name, label, lambda line: personal(value(line)), **more)


def personal(address: str | None, *, of: str | None = None) -> str | None:
    """An e-mail address as this person may see it: `jane@example.com` or `j***@example.com`.

    of: the customer whose it is, on the pages about that customer; lists and downloads leave it out and stay masked.
    """
    return address if not address or sees(of) else mask_email(address)


def _shortened(value: object) -> str:
    words = str(value)
    return words if len(words) <= _LONGEST_SHOWN else f"{words[:_LONGEST_SHOWN]}…"


@lru_cache(maxsize=512)
def _badge(kind: str, value: str | None) -> Markup:
    """Few statuses on very many rows: each is made once."""
    return status_badge(kind, value)
