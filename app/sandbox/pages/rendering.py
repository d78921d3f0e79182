"""Pages as bytes: templates, a policy that lets nothing in from elsewhere, and the few ways to end a request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jinja2

from app.sandbox.http import Reply
from app.sandbox.resources.currencies import shown
from app.sandbox.routes import route

if TYPE_CHECKING:
    from app.sandbox.pages.visit import Visit

HERE = Path(__file__).parent
SHOP = "Counterfoil Sandbox"
NEVER = ("javascript", "data", "vbscript", "file", "blob")

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(name: str, *, status: int = 200, leads_to: Iterable[str | None] = (), **values: Any) -> Reply:
    """Render `templates/<name>.html`. `leads_to` are addresses that a form of this page may end up at by redirect:
    browsers hold the policy's form-action against those, too."""
    text = _templates.get_template(f"{name}.html").render(shop=SHOP, **values)
    return Reply(status, text.encode(), _headers(leads_to), content_type="text/html; charset=utf-8")


def redirect(url: str) -> Reply:
    """303: see there."""
    return Reply(303, b"", {"Location": url.replace("\r", "").replace("\n", ""), "Cache-Control": "no-store"})


def trouble(status: int, message: str) -> Reply:
    return page("trouble", status=status, title="This does not work", message=message)


def with_query(url: str, **more: str) -> str:
    """The address with these parameters added."""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *more.items()])
    return urlunsplit(parts._replace(query=query))


def is_safe(url: str) -> bool:
    """May a person be sent there? Anything but addresses that browsers would run as a program."""
    scheme = urlsplit(url.strip()).scheme.lower()
    return bool(scheme) and scheme not in NEVER


def _headers(leads_to: Iterable[str | None]) -> dict[str, str]:
    targets = " ".join(dict.fromkeys(["'self'", *(_origin(url) for url in leads_to if url and is_safe(url))]))
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _origin(url: str) -> str:
    parts = urlsplit(url.strip())
    safe = all(letter.isalnum() or letter in ".:-[]" for letter in parts.netloc)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and safe else f"{parts.scheme}:"


def day(second: int) -> str:
    moment = datetime.fromtimestamp(second, UTC)
    return f"{moment.day} {moment:%B %Y}"


def _time(second: int) -> str:
    return f"{day(second)}, {datetime.fromtimestamp(second, UTC):%H:%M} UTC"


def _words(value: str) -> str:
    """`needs_response` → needs response"""
    return value.replace("_", " ")


def called(method: Any) -> str:
    """`Visa ending in 4242`: how people know a saved method."""
    names = {"sepa_debit": "Bank account", "us_bank_account": "US bank account", "bacs_debit": "UK bank account"}
    kind = method["type"]
    if kind == "card":
        return f"{_BRANDS.get(method['card']['brand'], method['card']['brand'].title())} ending in {method['card']['last4']}"
    last4 = (method.get(kind) or {}).get("last4")
    return f"{names.get(kind, _words(kind))} ending in {last4}" if last4 else names.get(kind, _words(kind))


_BRANDS = {"amex": "American Express", "jcb": "JCB", "diners": "Diners Club", "unionpay": "UnionPay"}
_templates.filters |= {
    "money": shown,
    "day": day,
    "time": _time,
    "words": _words,
    "called": called,
    "safe_link": is_safe,
    "list_pair": lambda value: (value, value),
    "option_pair": lambda option: (option["value"], option["label"]),
}


@route("GET", "/assets/{name}")
def asset(visit: Visit, name: str) -> Reply:  # noqa: ARG001
    kinds = {"sandbox.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
    if name not in kinds:
        return trouble(404, "There is no such file.")
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Reply(200, (HERE / name).read_bytes(), headers, content_type=kinds[name])
