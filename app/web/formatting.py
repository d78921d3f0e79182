"""Jinja filters: money, instants, days and names, each written one way on every page."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Any

from flask import Flask, current_app
from markupsafe import Markup, escape

from app.money import MinorUnits, Money

_ROW_LINK = Markup('<a class="row-link" href="%s">%s</a>')
NOTHING = Markup('<span class="nothing" aria-label="none">—</span>')
_CELL_END = "</td>"
# Stands in for a value while a macro is cut into what is before, between and behind it.
HERE = "value-goes-here"


def init_formatting(app: Flask) -> None:
    """Register the filters and tests that templates use."""
    app.jinja_env.filters.update(
        money=money,
        when=when,
        ago=partial(when, style="relative"),
        day=day,
        mask_email=mask_email,
        initials=initials,
        compact=compact,
        pretty_json=pretty_json,
        in_cells=in_cells,
        as_options=as_options,
    )


def money(minor: int | None, currency: str) -> Markup:
    """Minor units as `1,250.00 EUR`, the currency set apart so that the digits of a column line up."""
    if minor is None:
        return NOTHING
    amount = Money(MinorUnits(minor), currency.lower())
    # A real minus sign has the width of a digit; the hyphen of `grouped` does not.
    digits = amount.grouped.replace("-", "\N{MINUS SIGN}")
    code = escape(amount.currency.upper())
    # Digits need no escaping. Lists do this fifty times a page, and Markup's own formatting takes three times as long.
    return Markup(f'<span class="money">{digits}&nbsp;<span class="money-currency">{code}</span></span>')  # noqa: S704


def when(instant: datetime | None, style: str = "datetime") -> Markup:
    """An aware UTC instant. The script in times.js rewrites it in the reader's time zone; without it UTC is shown.

    style: "datetime", "date", "time" or "relative".
    """
    if instant is None:
        return NOTHING
    utc = instant.astimezone(UTC)
    stamp = utc.strftime("%Y-%m-%d %H:%M:%S")
    shown = utc.strftime("%-d %b %Y, %H:%M")
    # As above: what a clock says needs no escaping, and `style` is one of our own words.
    return Markup(  # noqa: S704
        f'<time datetime="{stamp.replace(" ", "T")}Z" title="{stamp} UTC" data-when="{style}">{shown} UTC</time>'
    )


def status_badge(kind: str, value: str | None) -> Markup:
    """The badge of a status for a cell made in Python; the same as `status(kind, value)` in templates."""
    return from_macro("status", "status", kind, value)


def from_macro(file: str, name: str, *arguments: Any, **named: Any) -> Markup:
    """What a macro of templates/macros makes, for cells of lists: `from_macro("fields", "card_number", "visa", "4242")`."""
    macros = current_app.jinja_env.get_template(f"macros/{file}.html").module
    made: Markup = getattr(macros, name)(*arguments, **named)
    return made.strip()


def filled(value: str, file: str, name: str, *arguments: Any) -> Markup:
    """What a macro makes of this value, which stands as HERE among its arguments; the macro itself runs once, not once a row."""
    return Markup(str(escape(value)).join(_around(file, name, *arguments)))  # noqa: S704 - the value is escaped, the rest a macro's


@lru_cache(maxsize=512)
def _around(file: str, name: str, *arguments: Any) -> tuple[str, ...]:
    return tuple(str(from_macro(file, name, *arguments)).split(HERE))


def in_cells(values: Sequence[Markup | str], frames: Sequence[Markup], url: str | None) -> Markup:
    """The cells of one row: each value in its column's empty `<td …></td>`; with `url` the first is a link.

    Not a loop in the template: that one looks again at every piece of every cell, which took a seventh of a page's time.
    """
    safe = [value if isinstance(value, Markup) else escape(value) for value in values]
    if url:
        safe[0] = _ROW_LINK % (url, safe[0])
    cells = [f"{frame.removesuffix(_CELL_END)}{value}{_CELL_END}" for frame, value in zip(frames, safe, strict=True)]
    return Markup("".join(cells))  # noqa: S704 - frames are the template's own, values are escaped above


def as_options(options: Sequence[tuple[str, str]], chosen: object) -> Markup:
    """The options of a <select>; those of a filter are the same on every page, and may be two hundred."""
    return _options(tuple(options), str(chosen))


@lru_cache(maxsize=256)
def _options(options: tuple[tuple[str, str], ...], chosen: str) -> Markup:
    return from_macro("forms", "options", options, chosen)


def day(value: date | None) -> Markup:
    """A calendar day, which has no time zone: `23 Nov 2026`."""
    if value is None:
        return NOTHING
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), value.strftime("%-d %b %Y"))


def mask_email(address: str | None) -> str:
    """`jane@example.com` as `j***@example.com`, for roles that may not see personal data."""
    name, at, host = (address or "").rpartition("@")
    return f"{name[:1]}***{at}{host}" if at else ""


def initials(name: str | None) -> str:
    """One or two letters for an avatar: `Ana Lovelace` is AL, `ana@shop.example` is A."""
    words = (name or "").split("@")[0].replace(".", " ").replace("_", " ").split()
    letters = [word[0] for word in words if word[0].isalnum()]
    return "".join(letters[:1] + letters[1:][-1:]).upper() or "?"


def compact(number: int) -> str:
    """`950`, `12.4k`, `3M`: for counts that nobody adds up, never for money."""
    # From 999,950 on, "999.95k" would round to "1000k".
    for size, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if abs(number) >= size - size // 20_000:
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return str(number)


def pretty_json(value: Any) -> str:
    """Indented JSON for reading; what JSON has no word for is shown as text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
