"""What people see when something is refused, missing or broken: a sentence, a request id, a way on; never a traceback."""

import logging

from flask import Flask, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateNotFound
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from werkzeug.exceptions import HTTPException

from app import logs
from app.database import drop_session, is_lost
from app.errors import DomainError
from app.web import problems

log = logging.getLogger(__name__)

_OURS = 500
_BUSY = 503


def init_errors(app: Flask) -> None:
    """Answer every error of this app."""
    app.register_error_handler(DomainError, domain_error)
    app.register_error_handler(CSRFError, csrf_error)
    app.register_error_handler(HTTPException, http_error)
    for error in (OperationalError, InterfaceError, PoolExhausted):
        app.register_error_handler(error, database_error)
    app.register_error_handler(Exception, unexpected_error)


def domain_error(error: DomainError) -> Response:
    """A rule said no outside of a form; its message is meant for people."""
    if not problems.for_programs():
        return page(error.status, str(error))
    answer = problems.answer(error.status, str(error), code=problems.code_of(error))
    answer.headers.update(getattr(error, "headers", {}))
    return answer


def csrf_error(error: CSRFError) -> Response:
    log.warning("request.without_token", extra={"why": str(error.description)})
    return page(
        400, "This form was out of date or did not come from this site. Nothing was changed: open the page again."
    )


def http_error(error: HTTPException) -> Response:
    """Flask's own refusals keep their headers, such as Allow of a 405 or the Location of a redirect."""
    if error.response is not None or error.code is None:
        return make_response(error.get_response())
    answer = page(error.code, None)
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            answer.headers[name] = value
    return answer


def database_error(error: Exception) -> Response:
    """The database is away, starting again, or cannot keep up: for a visitor that is one thing, and it passes."""
    log.error("database.unavailable", extra={"why": str(error.__cause__ or error).strip().splitlines()[0][:300]})
    drop_session()
    answer = page(_BUSY, None)
    answer.headers["Retry-After"] = "5"
    return answer


def unexpected_error(error: Exception) -> Response:
    if is_lost(error):
        return database_error(error)
    log.error("request.failed", exc_info=error)
    drop_session()
    return page(_OURS, None)


def page(status: int, message: str | None) -> Response:
    """The page of this status; for a machine, the same as one JSON object."""
    if problems.for_programs():
        return problems.answer(status, message)
    known = {"message": message, "request_id": logs.request_id.get()}
    if _wants_json():
        answer = make_response({"error": message or "", "request_id": known["request_id"]})
    else:
        answer = make_response(_rendered(status, known))
    answer.status_code = status
    return answer


def _rendered(status: int, known: dict[str, str | None]) -> str:
    try:
        return render_template(f"errors/{status}.html", **known)
    except TemplateNotFound:
        return render_template("errors/500.html" if status >= _OURS else "errors/400.html", **known)


def _wants_json() -> bool:
    """Machines ask without saying text/html."""
    return request.path.startswith(("/webhook", "/health")) or request.accept_mimetypes.best == "application/json"
