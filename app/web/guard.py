"""Every request passes here before any view: who asks, from where, and whether they may."""

import logging
from typing import Any, NoReturn

from flask import Flask, Response, abort, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import CSRFProtect

from app.errors import NotAllowed
from app.settings import Settings
from app.web import bearer, seeing, sessions, witness
from app.web.permissions import PUBLIC, ROLE_NAMES, Access, Need, needs_of
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


def before_factor(view: Any) -> Any:
    """Open to people whose role has to have a second factor and who have none yet."""
    view.before_factor = True
    return view


def for_keys(view: Any) -> Any:
    """For programs with a key, and for nobody else: no cookie is looked at, so no form token is needed."""
    view.for_keys = True
    return exempt(view)


def ends_seeing(view: Any) -> Any:
    """The one act that works while somebody looks through another role: to stop."""
    view.ends_seeing = True
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
    view = current_app.view_functions[request.endpoint]
    if bearer.is_for_keys(view):
        bearer.let_in(needs)
        return None
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    if not current_user.at_home:
        _refuse(["network"], "You may not work here from this network. An admin can allow it.")
    if current_user.factor_wanted and not _before_factor(view):
        return redirect(url_for("second_factor.index_view"), 303)
    if current_user.has_seen_enough:
        _be_oneself_again(view)
    _check_person(needs, view)
    if not getattr(view, "unattended", False):
        sessions.touch()
    return None


def _check_person(needs: tuple[Need, ...], view: Any) -> None:
    """
    Raises:
        NotAllowed: their role does not have it, or they look through another one.
    """
    missing = [need for need in needs if not current_user.may(need)]
    if missing:
        _refuse([str(need) for need in missing if not isinstance(need, Access)])
    if current_user.seen_as and request.method not in SAFE and not getattr(view, "ends_seeing", False):
        name = ROLE_NAMES[current_user.seen_as]
        _refuse(["own role"], f"You see this as {name}. Nothing can be changed until you stop, at the top of the page.")


def _be_oneself_again(view: Any) -> None:
    """Note that the time is up. What was sent from a page of the other role was never meant to be done by this one."""
    role = seeing.stop(current_user.session_id, actor=sessions.current_actor(), why="time was up")
    if request.method not in SAFE and not getattr(view, "ends_seeing", False):
        raise NotAllowed("The time to look through another role is up. Nothing was changed: open the page again first.")
    if role is not None:
        flash(f"You are yourself again: the time to see this as {ROLE_NAMES[role]} is up.", "warning")


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


def _before_factor(view: Any) -> bool:
    """A page where people whose role has to have a second factor get one. A section says so for all of its pages."""
    return bool(getattr(getattr(view, "__self__", view), "before_factor", False))


def _refuse(missing: list[str], sentence: str = "Your role does not include this. An admin can change it.") -> NoReturn:
    witness.saw("access.refused", "page", request.path[:200], after={"method": request.method, "missing": missing})
    raise NotAllowed(sentence)


def _own_origins() -> set[str]:
    settings: Settings = current_app.extensions["settings"]
    # The Host header is the browser's own word about where it is; another site cannot change it.
    return {settings.domain, f"{request.scheme}://{request.host}"}
