"""A person with a browser comes by: which requests are pages, and what their handlers get.

Handlers stand in the same table as those of the API and are called as handler(visit, **path) -> Reply. Only a page's own
forms may post to it: another site's is refused.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from psycopg2 import errors

from app.sandbox import params, routes
from app.sandbox.errors import StripeError
from app.sandbox.http import Reply, Request
from app.sandbox.pages import rendering
from app.sandbox.tx import About, Tx
from app.sandbox.world import LOST, NEWEST_VERSION, World

if TYPE_CHECKING:
    from app.sandbox.server import Sandbox

log = logging.getLogger(__name__)

PREFIXES = (
    "/c/", "/3ds/", "/b/", "/p/", "/invoice/", "/credit_note/", "/verify/", "/mandate/", "/receipt/", "/assets/",
)  # fmt: skip
CONTROL = ("/_control/", "/_control")
TRIES = 4
Some = TypeVar("Some")


@dataclass
class Visit:
    """One request for a page."""

    sandbox: Sandbox
    method: str
    path: str
    host: str
    asked: params.Params
    """The query."""
    form: params.Params = field(default_factory=dict)
    """The body of a posted form."""
    agent: str = ""

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def address(self) -> str:
        """This page without its query."""
        return self.path


def is_page(request: Request) -> bool:
    if request.path == "/":
        return request.method == "GET" and "text/html" in request.headers.get("accept", "")
    return request.path.startswith(PREFIXES) or request.path in CONTROL


def answer(sandbox: Sandbox, request: Request) -> Reply:
    if request.path in ("/", "/_control"):
        return rendering.redirect("/_control/")
    found = routes.match(request.method, request.path)
    if found is None:
        return rendering.trouble(404, "There is no such page.")
    if request.method == "POST" and not _is_own_form(request):
        return rendering.trouble(403, "This form was sent by another site.")
    handler, path_values = found
    visit = Visit(
        sandbox,
        request.method,
        request.path,
        request.headers.get("host", ""),
        params.decode(request.query) if request.query else {},
        params.decode(request.body.decode("utf-8", "replace")) if request.body else {},
        request.headers.get("user-agent", ""),
    )
    try:
        reply: Reply = handler(visit, **path_values)
    except StripeError as refusal:
        return rendering.trouble(404 if refusal.code == "resource_missing" else refusal.status, refusal.message)
    except Exception:  # the last net: people get a page, the log gets the rest
        log.exception("%s %s", request.method, request.path)
        return rendering.trouble(500, "The sandbox itself failed. Its log says why.")
    return reply


def act(visit: Visit, deed: Callable[[Tx], Some]) -> Some:
    """One transaction, again if it met another one on the same rows. A refusal that keeps what was written (a decline)
    is raised after the commit."""
    for left in reversed(range(TRIES)):
        try:
            return _once(visit, deed)
        except (errors.DeadlockDetected, errors.SerializationFailure):
            if not left:
                raise
        except LOST:
            visit.world.pool.forget_idle()
            if not left:
                raise
            time.sleep(0.05)
    raise AssertionError  # the loop always returns or raises


def _once(visit: Visit, deed: Callable[[Tx], Some]) -> Some:
    with visit.world.transaction(About(host=visit.host, api_version=NEWEST_VERSION)) as tx:
        try:
            return deed(tx)
        except StripeError as error:
            if not error.commit:
                raise
            refusal = error
    raise refusal


def _is_own_form(request: Request) -> bool:
    """What browsers say about where a form comes from; a program says nothing and may pass."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
