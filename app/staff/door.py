"""The pages at the door: sign in, the second factor, prove it again, sign out."""

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import logs
from app.settings import Settings
from app.staff import sign_in, steps
from app.staff.entering import Visitor
from app.staff.factors import queries
from app.staff.factors.operations import WrongCode
from app.staff.sso import provider
from app.staff.sso.provider import is_only_door
from app.staff.throttle import TooManyTries
from app.web import sessions
from app.web.guard import before_factor
from app.web.permissions import PUBLIC, SIGNED_IN, needs
from app.web.redirects import safe_path
from app.web.sealing import Seal

HOME = "/admin/"

pages = Blueprint("sign_in", __name__)


@pages.route("/login", methods=["GET", "POST"])
@needs(PUBLIC)
def form() -> ResponseReturnValue:
    """The sign-in form."""
    # Not `== "GET"`: a HEAD request would be a try to sign in, with no form token asked of it.
    if request.method != "POST":
        return redirect(next_page(), 303) if current_user.is_authenticated else form_page()
    if is_only_door():
        return form_page(error="Passwords let nobody in here. Use single sign-on."), 403
    try:
        entry = sign_in.sign_in(
            request.form.get("email", ""),
            request.form.get("password", ""),
            visitor=visitor(),
            old_token=request.cookies.get(sessions.cookie_name()),
        )
    except TooManyTries as refusal:
        return form_page(retry_after=refusal.minutes), refusal.status, {"Retry-After": str(refusal.minutes * 60)}
    except (sign_in.WrongPassword, sign_in.WrongNetwork) as refusal:
        return form_page(error=str(refusal)), refusal.status
    return halfway(entry.token) if entry.halfway else arrived(entry.token)


@pages.route("/login/code", methods=["GET", "POST"])
@needs(PUBLIC)
def code() -> ResponseReturnValue:
    """The second half of signing in: a code."""
    token = request.cookies.get(sessions.step_cookie_name(), "")
    step = steps.look(token, "second_factor") if token else None
    if step is None or step.staff_id is None:
        return redirect(url_for("sign_in.form"), 303)
    error, status = None, 200
    if request.method == "POST":
        try:
            session_token = sign_in.finish(
                token,
                request.form.get("code", ""),
                visitor=visitor(),
                seal=seal(),
                old_token=request.cookies.get(sessions.cookie_name()),
            )
        except (TooManyTries, WrongCode, sign_in.WrongNetwork) as refusal:
            error, status = str(refusal), refusal.status
        except (sign_in.StepOver, sign_in.WrongPassword) as refusal:
            flash(str(refusal), "warning")
            return redirect(url_for("sign_in.form"), 303)
        else:
            return arrived(session_token)
    return code_page(error=error, status=status)


@pages.route("/login/again", methods=["GET", "POST"])
@before_factor
@needs(SIGNED_IN)
def again() -> ResponseReturnValue:
    """Proving once more who one is, before an act that matters."""
    error: str | None = None
    status = 200
    factors = queries.factors_of(current_user.id)
    by_password = not is_only_door() and not factors.any
    if request.method == "POST" and not factors.any and not by_password:
        error, status = "Passwords open nothing here. Use single sign-on.", 403
    elif request.method == "POST":
        try:
            sign_in.prove(
                current_user.session_id,
                password=request.form.get("password", ""),
                code=request.form.get("code", ""),
                visitor=visitor(),
                seal=seal(),
            )
        except (TooManyTries, sign_in.WrongPassword, WrongCode) as refusal:
            error, status = str(refusal), refusal.status
        else:
            return redirect(next_page(), 303)
    return again_page(error=error, status=status)


@pages.route("/logout", methods=["POST"])
@needs(PUBLIC)
def leave() -> Response:
    """Sign out. Whoever is signed out already is simply taken to the door."""
    if current_user.is_authenticated:
        sign_in.sign_out(current_user.session_id, actor=sessions.current_actor())
    session.clear()
    answer = make_response(_outside() or redirect(url_for("sign_in.form"), 303))
    sessions.take_cookie(answer)
    return answer


def code_page(*, error: str | None = None, status: int = 200) -> ResponseReturnValue:
    """The page of the second half; to the first one where there is no half."""
    token = request.cookies.get(sessions.step_cookie_name(), "")
    step = steps.look(token, "second_factor") if token else None
    if step is None or step.staff_id is None:
        return redirect(url_for("sign_in.form"), 303)
    factors = queries.factors_of(step.staff_id)
    return render_template("door/code.html", error=error, next=kept_next(), factors=factors), status


def again_page(*, error: str | None = None, status: int = 200) -> ResponseReturnValue:
    factors = queries.factors_of(current_user.id)
    return render_template(
        "door/again.html",
        error=error,
        next=kept_next(),
        email=current_user.email,
        factors=factors,
        by_password=not is_only_door() and not factors.any,
        by_sso=provider.current() is not None,
    ), status


def arrived(token: str, *, to: str = "") -> Response:
    """Signed in: the cookie, and on to where they wanted to be."""
    # Nothing of what this browser had before signing in is carried over, its form token included.
    session.clear()
    answer = make_response(redirect(to or next_page(), 303))
    sessions.give_cookie(answer, token)
    sessions.give_device_cookie(answer)
    if sessions.step_cookie_name() in request.cookies:
        sessions.take_cookie(answer, name=sessions.step_cookie_name())
    return answer


def halfway(token: str, *, to: str = "") -> Response:
    """The password was right; a second factor is asked for on the next page."""
    session.clear()
    answer = make_response(redirect(url_for("sign_in.code", next=to or kept_next() or None), 303))
    sessions.give_cookie(answer, token, name=sessions.step_cookie_name(), lasts=steps.PATIENCE)
    return answer


def visitor() -> Visitor:
    return Visitor(
        ip=request.remote_addr or "unknown",
        agent=request.user_agent.string,
        request_id=logs.request_id.get(),
        device=sessions.device_token(),
    )


def seal() -> Seal:
    settings: Settings = current_app.extensions["settings"]
    return Seal.of(settings.secret_key)


def _outside() -> str | None:
    """Who came in by single sign-on is still signed in there: a page with the way out of that as well."""
    known = provider.current()
    if known is None or not current_user.is_authenticated:
        return None
    settings: Settings = current_app.extensions["settings"]
    elsewhere = known.leaving(back=f"{settings.domain}/login")
    return render_template("door/left.html", elsewhere=elsewhere) if elsewhere else None


def form_page(*, error: str | None = None, retry_after: int | None = None) -> str:
    settings: Settings = current_app.extensions["settings"]
    hint = "Sandbox: an invented shop, no real money moves." if settings.sandbox else None
    return render_template(
        "sign_in.html",
        action=url_for("sign_in.form"),
        next=kept_next(),
        email=request.form.get("email", "")[:254],
        error=error,
        retry_after=retry_after,
        mode=settings.mode,
        hint=hint,
        by_sso=provider.current() is not None,
        by_password=not is_only_door(),
    )


def kept_next() -> str:
    return safe_path(request.values.get("next")) or ""


def next_page() -> str:
    """Where to after signing in: a page of ours, never the door itself."""
    wanted = kept_next()
    return wanted if wanted and not wanted.startswith(("/login", "/logout")) else HOME
