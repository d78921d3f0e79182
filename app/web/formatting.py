"""Jinja filters: money, instants, days and names, each written one way on every page."""

import json
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from flask import Flask, current_app
from markupsafe import Markup

from app.money import MinorUnits, Money

# Filled in with %, which escapes like format() and takes half of its time; lists do it a hundred times a page.
_MONEY = Markup('<span class="money">%s&nbsp;<span class="money-currency">%s</span></span>')
_WHEN = Markup('<time datetime="%s" title="%s UTC" data-when="%s">%s UTC</time>')
NOTHING = Markup('<span class="nothing" aria-label="none">—</span>')


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
    )


def money(minor: int | None, currency: str) -> Markup:
    """Minor units as `1,250.00 EUR`, the currency set apart so that the digits of a column line up."""
    if minor is None:
        return NOTHING
    amount = Money(MinorUnits(minor), currency.lower())
    # A real minus sign has the width of a digit; the hyphen of `grouped` does not.
    digits = amount.grouped.replace("-", "\N{MINUS SIGN}")
    return _MONEY % (digits, amount.currency.upper())


def when(instant: datetime | None, style: str = "datetime") -> Markup:
    """An aware UTC instant. The script in times.js rewrites it in the reader's time zone; without it UTC is shown.

    style: "datetime", "date", "time" or "relative".
    """
    if instant is None:
        return NOTHING
    utc = instant.astimezone(UTC)
    stamp = utc.strftime("%Y-%m-%d %H:%M:%S")
    return _WHEN % (f"{stamp.replace(' ', 'T')}Z", stamp, style, utc.strftime("%-d %b %Y, %H:%M"))


def status_badge(kind: str, value: str | None) -> Markup:
    """The badge of a status for a cell made in Python; the same as `status(kind, value)` in templates."""
    return from_macro("status", "status", kind, value)


def from_macro(file: str, name: str, *arguments: Any, **named: Any) -> Markup:
    """What a macro of templates/macros makes, for cells of lists: `from_macro("fields", "card_number", "visa", "4242")`."""
    macros = current_app.jinja_env.get_template(f"macros/{file}.html").module
    made: Markup = getattr(macros, name)(*arguments, **named)
    return made.strip()


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
