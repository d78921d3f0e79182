"""Every route the application has, with an address to try it at."""

import hashlib
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule

from app.database import db
from app.web.listing import ListView
from app.web.permissions import Need, needs_of

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Signed by their sender instead of carrying a form token.
SIGNED = frozenset({"stripe_webhooks.receive"})


@dataclass(frozen=True, slots=True)
class Route:
    """One rule with one method. `path` names things that do not exist."""

    method: str
    path: str
    endpoint: str
    needs: tuple[Need, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes(app: Flask) -> list[Route]:
    return [
        Route(method, _path(rule), rule.endpoint, needs_of(app, rule.endpoint))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def unsafe_routes(app: Flask) -> list[Route]:
    """Every route that may change something because somebody clicked."""
    return [route for route in routes(app) if route.method in UNSAFE and route.endpoint not in SIGNED]


def lists(app: Flask) -> list[ListView]:  # type: ignore[type-arg]
    """Every list of the staff pages."""
    owners = (getattr(view, "__self__", None) for view in app.view_functions.values())
    return list({owner.endpoint: owner for owner in owners if isinstance(owner, ListView)}.values())


def fingerprint(*, without: tuple[str, ...] = ()) -> dict[str, str]:
    """A digest of every table; two equal ones mean that nothing was changed in between."""
    db.session.rollback()
    tables = db.session.execute(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    ).scalars()
    digests = {}
    for table in tables:
        if table not in without:
            rows = db.session.execute(text(f'SELECT string_agg(t::text, chr(10) ORDER BY t::text) FROM "{table}" t'))
            digests[table] = hashlib.sha256(str(rows.scalar_one()).encode()).hexdigest()
    db.session.rollback()
    return digests


def _path(rule: Rule) -> str:
    path = rule.rule
    for argument in rule.arguments:
        for converter in ("", "path:", "int:", "string:", "uuid:"):
            path = path.replace(f"<{converter}{argument}>", "unknown")
    assert "<" not in path, f"no example for {rule.rule}"
    return path
