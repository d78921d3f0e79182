"""The pages at the door: sign in, give the password again, sign out."""

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import logs
from app.settings import Settings
from app.staff import sign_in
from app.staff.throttle import TooManyTries
from app.web import sessions
from app.web.permissions import PUBLIC, SIGNED_IN, needs
from app.web.redirects import safe_path

HOME = "/admin/"

pages = Blueprint("sign_in", __name__)


@pages.route("/login", methods=["GET", "POST"])
@needs(PUBLIC)
def form() -> ResponseReturnValue:
    """The sign-in form."""
    # Not `== "GET"`: a HEAD request would be a try to sign in, with no form token asked of it.
    if request.method != "POST":
        return redirect(_next(), 303) if current_user.is_authenticated else _form()
    try:
        token = sign_in.sign_in(
            request.form.get("email", ""),
            request.form.get("password", ""),
            visitor=_visitor(),
            old_token=request.cookies.get(sessions.cookie_name()),
        )
    except TooManyTries as refusal:
        return _form(retry_after=refusal.minutes), refusal.status, {"Retry-After": str(refusal.minutes * 60)}
    except sign_in.WrongPassword as refusal:
        return _form(error=str(refusal)), refusal.status
    # Nothing of what this browser had before signing in is carried over, its form token included.
    session.clear()
    answer = make_response(redirect(_next(), 303))
    sessions.give_cookie(answer, token)
    return answer


@pages.route("/login/again", methods=["GET", "POST"])
@needs(SIGNED_IN)
def again() -> ResponseReturnValue:
    """The password once more, before an act that matters."""
    error: str | None = None
    status = 200
    if request.method == "POST":
        try:
            sign_in.prove(current_user.session_id, request.form.get("password", ""), visitor=_visitor())
        except (TooManyTries, sign_in.WrongPassword) as refusal:
            error, status = str(refusal), refusal.status
        else:
            return redirect(_next(), 303)
    back = safe_path(request.values.get("next")) or ""
    return render_template("staff/again.html", error=error, next=back, email=current_user.email), status


@pages.route("/logout", methods=["POST"])
@needs(PUBLIC)
def leave() -> Response:
    """Sign out. Whoever is signed out already is simply taken to the door."""
    if current_user.is_authenticated:
        sign_in.sign_out(current_user.session_id, actor=sessions.current_actor())
    session.clear()
    answer = make_response(redirect(url_for("sign_in.form"), 303))
    sessions.take_cookie(answer)
    return answer


def _form(*, error: str | None = None, retry_after: int | None = None) -> str:
    settings: Settings = current_app.extensions["settings"]
    hint = "Sandbox: an invented shop, no real money moves." if settings.sandbox else None
    return render_template(
        "sign_in.html",
        action=url_for("sign_in.form"),
        next=safe_path(request.values.get("next")) or "",
        email=request.form.get("email", "")[:254],
        error=error,
        retry_after=retry_after,
        mode=settings.mode,
        hint=hint,
    )


def _next() -> str:
    """Where to after signing in: a page of ours, never the door itself."""
    wanted = safe_path(request.values.get("next"))
    return wanted if wanted and not wanted.startswith(("/login", "/logout")) else HOME


def _visitor() -> sign_in.Visitor:
    return sign_in.Visitor(
        ip=request.remote_addr or "unknown", agent=request.user_agent.string, request_id=logs.request_id.get()
    )
