"""Every route the application has, with an address to try it at."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import Connection, text
from werkzeug.routing import Rule

from app.database import db
from app.web.bearer import is_for_keys
from app.web.listing import ListView
from app.web.permissions import PUBLIC, SIGNED_IN, Need, needs_of
from tests import factories
from tests.web.examples import ARGUMENTS, IN_FORMS, OF_THE_HOUSE, Shop

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Signed by their sender instead of carrying a form token.
SIGNED = frozenset({"stripe_webhooks.receive"})


@dataclass(frozen=True, slots=True)
class Route:
    """One rule with one method. `path` names a thing that exists, unless it was asked for without any.

    form: what is sent with it, or stands in the query. is_ours: it names something that belongs to an account.
    by_key: programs come in here with a key, and nobody else does.
    """

    method: str
    path: str
    endpoint: str
    needs: tuple[Need, ...]
    form: Mapping[str, object] = field(default_factory=dict)
    is_ours: bool = False
    by_key: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_door(self) -> bool:
        """Not open to everybody, not signed by a machine, and not what ends the session that tries it."""
        is_open = all(need is PUBLIC for need in self.needs) or self.endpoint in SIGNED or self.by_key
        return not is_open and not (
            self.needs == (SIGNED_IN,) and self.endpoint == "sign_in.again" and self.method in UNSAFE
        )


def routes(app: Flask, example: Callable[[str, str], str] = lambda _section, _argument: "unknown") -> list[Route]:
    """Every rule with each of its methods. example: what stands for an argument of a section; without it nothing exists."""
    return [
        Route(
            method,
            _path(rule, example),
            rule.endpoint,
            needs_of(app, rule.endpoint),
            by_key=is_for_keys(app.view_functions[rule.endpoint]),
        )
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def routes_with_rows(app: Flask) -> tuple[list[Route], list[Route]]:
    """Every route with rows of our account, and those among them that have one, with rows of another account."""
    ours, theirs = Shop(factories.account().id), Shop(factories.another_account().id)
    house = {name: str(make()) for name, make in OF_THE_HOUSE.items()}

    def named(shop: Shop) -> list[Route]:
        made = {name: str(of(shop)) for name, of in ARGUMENTS.items()} | house
        found = routes(app, lambda section, argument: made.get(f"{section}.{argument}") or _missing(section, argument))
        return [
            Route(
                route.method,
                route.path,
                route.endpoint,
                route.needs,
                IN_FORMS[route.endpoint](shop) if route.endpoint in IN_FORMS else {},
                is_ours=_is_ours(app, route),
                by_key=route.by_key,
            )
            for route in found
        ]

    return named(ours), [route for route in named(theirs) if route.is_ours]


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


@contextmanager
def undone() -> Iterator[None]:
    """With the `app` fixture: what happens inside is taken back afterwards, so that each try finds the same rows."""
    db.session.rollback()
    connection: Any = db.engines[None]
    assert isinstance(connection, Connection)
    before = connection.begin_nested()
    try:
        yield
    finally:
        db.session.rollback()
        db.session.expunge_all()
        before.rollback()


def _path(rule: Rule, example: Callable[[str, str], str]) -> str:
    path = rule.rule
    section = rule.endpoint.partition(".")[0]
    for argument in rule.arguments:
        for converter in ("", "path:", "int:", "string:", "uuid:"):
            if (place := f"<{converter}{argument}>") in path:
                path = path.replace(place, example(section, argument))
    assert "<" not in path, f"tests/web/routes.py knows no converter like that of {rule.rule}"
    return path


def _is_ours(app: Flask, route: Route) -> bool:
    section = route.endpoint.partition(".")[0]
    arguments = {argument for rule in app.url_map.iter_rules(route.endpoint) for argument in rule.arguments}
    return route.endpoint in IN_FORMS or any(f"{section}.{argument}" in ARGUMENTS for argument in arguments)


def _missing(section: str, argument: str) -> str:
    raise AssertionError(
        f"No row stands for <{argument}> in the addresses of {section!r}. Add a line {section}.{argument} to ARGUMENTS in "
        "tests/web/examples.py (or to OF_THE_HOUSE, when it belongs to no account): the tests of the guard open every route."
    )
