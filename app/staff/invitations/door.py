"""The pages behind a link: choose a password; and the one that asks for such a link."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import DomainError
from app.settings import Settings
from app.staff import door, throttle
from app.staff.invitations import operations, queries
from app.staff.invitations.operations import LinkOver, Post
from app.staff.sso.provider import is_only_door
from app.web import sessions
from app.web.accounts import current_account_id
from app.web.permissions import PUBLIC, needs

pages = Blueprint("links", __name__)


@pages.route("/join/<token>", methods=["GET", "POST"])
@needs(PUBLIC)
def join(token: str) -> ResponseReturnValue:
    """Choose a password. Looking changes nothing: mail programs look at links before people do."""
    link = None if is_only_door() else queries.open_link(token)
    if link is None:
        return render_template("invitations/over.html"), LinkOver.status
    error, status = None, 200
    if request.method == "POST":
        try:
            session = operations.accept(
                token,
                name=request.form.get("name", ""),
                password=request.form.get("password", ""),
                visitor=door.visitor(),
                old_token=request.cookies.get(sessions.cookie_name()),
            )
        except LinkOver:
            return render_template("invitations/over.html"), LinkOver.status
        except DomainError as refusal:
            error, status = str(refusal), 422
        else:
            if session:
                return door.arrived(session)
            flash("Your password is set. Sign in with it.", "success")
            return redirect(url_for("sign_in.form"), 303)
    name = request.form.get("name", "")[:100]
    page = render_template("invitations/join.html", link=link, token=token, name=name, error=error)
    return page, status


@pages.route("/login/forgot", methods=["GET", "POST"])
@needs(PUBLIC)
def forgot() -> ResponseReturnValue:
    """Ask for a link. The answer is the same whoever asks."""
    mailing = not nothing_mailed()
    error, status, done = None, 200, False
    if request.method == "POST" and mailing:
        email = request.form.get("email", "").strip().lower()[:254].replace("\0", "")
        visitor = door.visitor()
        try:
            # Counted apart from sign-ins: nobody is locked out because somebody asks for links.
            throttle.let_through(f"forgot {email}", f"forgot {visitor.ip}")
        except throttle.TooManyTries as refusal:
            error, status = f"Too many requests. Ask again in {refusal.minutes} min.", refusal.status
        else:
            operations.forgot(email, account_id=current_account_id() or 0, visitor=visitor)
            done = True
    return render_template("invitations/forgot.html", mailing=mailing, done=done, error=error), status


def post() -> Post:
    """How links reach people in this installation."""
    settings: Settings = current_app.extensions["settings"]
    return Post(settings.domain, None if nothing_mailed() else current_account_id())


def nothing_mailed() -> bool:
    """No mail leaves this house: there is no mail server, or no account yet whose mail it would be."""
    settings: Settings = current_app.extensions["settings"]
    return not settings.smtp_url or not current_account_id() or is_only_door()
