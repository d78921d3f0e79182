"""The machinery of the pages, put together in the one order that works."""

from flask import Flask, redirect, url_for
from werkzeug import Response
from werkzeug.middleware.proxy_fix import ProxyFix

from app.settings import Settings
from app.web.admin import may, sees
from app.web.api_log import init_api_log
from app.web.bearer import init_bearer
from app.web.errors import init_errors
from app.web.formatting import init_formatting
from app.web.guard import init_guard
from app.web.headers import init_headers
from app.web.hosts import HostDoor
from app.web.people import visible
from app.web.permissions import PUBLIC, Permission, needs
from app.web.redirects import without_host
from app.web.requests import init_requests
from app.web.sessions import init_sessions
from app.web.shell import shell
from app.web.theme import init_theme, serve_static
from app.web.witness import Record, init_witness


def init_web(app: Flask, *, record: Record) -> None:
    """Ids and log lines first, then who asks, then whether they may; headers and errors for whatever comes out.

    record: the audit trail's `record`.
    """
    settings: Settings = app.extensions["settings"]
    if settings.trusted_proxies:
        # Only as many as are really there: every further entry of X-Forwarded-For was written by the visitor.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies, x_host=0
        )
    app.wsgi_app = HostDoor(app.wsgi_app)  # type: ignore[method-assign]
    init_requests(app)
    init_witness(app, record)
    init_sessions(app)
    init_guard(app)
    init_bearer(app)
    init_api_log(app)
    init_headers(app)
    app.after_request(without_host)
    init_formatting(app)
    needs(PUBLIC)(serve_static)
    init_theme(app, shell)
    init_errors(app)
    app.add_url_rule("/", "front", front)
    app.jinja_env.globals.update(may=may, Permission=Permission, sees=sees, visible=visible)


@needs(PUBLIC)
def front() -> Response:
    """Staff come in at the bare address; everything for them is below /admin/."""
    return redirect(url_for("admin.index"), 303)
