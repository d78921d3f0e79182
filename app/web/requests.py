"""Each request has an id, and leaves exactly one line in the log."""

import logging
import time
from uuid import uuid4

from flask import Flask, Response, g, request
from flask_login import current_user

from app import logs

log = logging.getLogger(__name__)

_STARTED = "counterfoil.started"
_LONGEST = 300


def init_requests(app: Flask) -> None:
    """Number the requests of this app and log them. Call it before everything else that runs before a request."""
    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(forget)


def begin() -> None:
    # `g` belongs to the application context, which outlives a request where a test or a command pushed one.
    for name in list(g):
        g.pop(name)
    # Never the visitor's own: two requests with one id would make the audit trail ambiguous.
    logs.request_id.set(f"req-{uuid4().hex[:20]}")
    request.environ[_STARTED] = time.perf_counter()


def end(response: Response) -> Response:
    """Say what was answered. Everything a visitor wrote is a value in JSON, so that nothing can be forged."""
    response.headers["X-Request-Id"] = logs.request_id.get() or ""
    log.info(
        "request.answered",
        extra={
            "method": request.method,
            "path": request.path[:_LONGEST],
            "endpoint": request.endpoint,
            "status": response.status_code,
            "ms": round((time.perf_counter() - started()) * 1000, 1),
            "ip": request.remote_addr,
            "agent": request.user_agent.string[:_LONGEST],
            "staff": _staff_id(),
        },
    )
    return response


def started() -> float:
    """When this request began, as `time.perf_counter` counts."""
    return float(request.environ.get(_STARTED, time.perf_counter()))


def forget(error: BaseException | None) -> None:  # noqa: ARG001 - Flask's signature
    logs.request_id.set(None)


def _staff_id() -> str | None:
    """Who it was, by id: logs hold no e-mail addresses. Only if somebody already asked: the database may be down."""
    known = g.get("_login_user")
    return str(current_user.id) if known is not None and known.is_authenticated else None
