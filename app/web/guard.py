"""Every request passes here before any view: who asks, from where, and whether they may."""

import logging
from typing import Any

from flask import Flask, Response, abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import CSRFProtect

from app.errors import NotAllowed
from app.settings import Settings
from app.web import sessions, witness
from app.web.permissions import PUBLIC, Access, Need, needs_of
from app.web.redirects import page_before, safe_path

log = logging.getLogger(__name__)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
csrf = CSRFProtect()


def init_guard(app: Flask) -> None:
    """Deny by default. The order matters: a forged request is refused before anybody asks whether it would be allowed."""
    app.config.update(
        # The token lives as long as the session that holds it; a form left open over lunch is not an attack.
        WTF_CSRF_TIME_LIMIT=None,
        # We look at Origin ourselves, with the configured domain; browsers leave the Referer out more often.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.before_request(refuse_foreign)
    csrf.init_app(app)
    app.before_request(check_needs)


def exempt(view: Any) -> Any:
    """For machines that sign their requests themselves, like Stripe: no form token is asked of this view or blueprint."""
    csrf.exempt(view)
    return view


def unattended(view: Any) -> Any:
    """Pages ask this by themselves, every few seconds: it is no sign that somebody is there, and keeps no session alive."""
    view.unattended = True
    return view


def refuse_foreign() -> None:
    """A browser says where a form came from; what another site sent changes nothing here."""
    if request.method in SAFE or request.endpoint is None or csrf._is_exempt():
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if (origin is not None and origin not in _own_origins()) or site not in {"same-origin", "none"}:
        log.warning("request.foreign", extra={"origin": origin, "site": site})
        raise NotAllowed("This request came from another site. Nothing was changed.")


def check_needs() -> ResponseReturnValue | None:
    """Let the request through when the person meets everything the route names."""
    if request.endpoint is None:
        return None
    needs = needs_of(current_app, request.endpoint)
    if not needs:
        log.error("route.unguarded", extra={"endpoint": request.endpoint})
        abort(403)
    if all(need is PUBLIC for need in needs):
        return None
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    missing = [need for need in needs if not current_user.may(need)]
    if missing:
        _refuse(missing)
    if not getattr(current_app.view_functions[request.endpoint], "unattended", False):
        sessions.touch()
    return None


def ask_to_sign_in() -> Response:
    """To the sign-in page, and back here afterwards; an act is never repeated after signing in, only its page shown."""
    if request.method in SAFE:
        back = safe_path(request.full_path.rstrip("?"))
    else:
        flash("You were signed out. Nothing was changed; please look before you repeat it.", "warning")
        back = page_before(request.headers.get("Referer", ""))
    answer = redirect(url_for("sign_in.form", next=back if back != "/admin/" else None), 303)
    if sessions.cookie_name() in request.cookies:
        sessions.take_cookie(answer)  # type: ignore[arg-type] # werkzeug's class, which has all that is needed
    return answer  # type: ignore[return-value]


def _refuse(missing: list[Need]) -> None:
    names = [str(need) for need in missing if not isinstance(need, Access)]
    witness.saw("access.refused", "page", request.path[:200], after={"method": request.method, "missing": names})
    raise NotAllowed("Your role does not include this. An admin can change it.")


def _own_origins() -> set[str]:
    settings: Settings = current_app.extensions["settings"]
    # The Host header is the browser's own word about where it is; another site cannot change it.
    return {settings.domain, f"{request.scheme}://{request.host}"}
