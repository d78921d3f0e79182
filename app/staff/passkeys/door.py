"""Passkeys at the door. Each way in is two requests: a script fetches the question, and the form brings the answer."""

import orjson
from flask import Blueprint, Response, current_app, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.errors import Conflict, DomainError
from app.settings import Settings
from app.staff import door, sign_in, steps
from app.staff.passkeys import entering
from app.staff.passkeys.ceremonies import Site
from app.staff.passkeys.entering import Question
from app.staff.sso.provider import is_only_door
from app.web import sessions
from app.web.guard import before_factor
from app.web.permissions import PUBLIC, SIGNED_IN, needs

pages = Blueprint("passkey_door", __name__)


@pages.route("/login/passkey/question", methods=["POST"])
@needs(PUBLIC)
def question() -> ResponseReturnValue:
    """For who has typed nothing yet."""
    if is_only_door():
        return refused("Passkeys alone let nobody in here. Use single sign-on.", 403)
    return asked(entering.ask_anybody(site()))


@pages.route("/login/passkey", methods=["POST"])
@needs(PUBLIC)
def come_in() -> ResponseReturnValue:
    """Signing in with a passkey alone."""
    if is_only_door():
        return door.form_page(error="Passkeys alone let nobody in here. Use single sign-on."), 403
    try:
        token = entering.come_in(
            brought(),
            answer(),
            visitor=door.visitor(),
            site=site(),
            old_token=request.cookies.get(sessions.cookie_name()),
        )
    except DomainError as refusal:
        return door.form_page(error=str(refusal)), refusal.status
    return without_question(door.arrived(token))


@pages.route("/login/passkey/second/question", methods=["POST"])
@needs(PUBLIC)
def second_question() -> ResponseReturnValue:
    """For who gave the first half."""
    try:
        return asked(entering.ask_second(_half(), site()))
    except sign_in.StepOver as refusal:
        return refused(str(refusal), refusal.status)


@pages.route("/login/passkey/second", methods=["POST"])
@needs(PUBLIC)
def second() -> ResponseReturnValue:
    """The second half of signing in."""
    try:
        token = entering.finish(
            _half(),
            brought(),
            answer(),
            visitor=door.visitor(),
            site=site(),
            old_token=request.cookies.get(sessions.cookie_name()),
        )
    except (sign_in.StepOver, sign_in.WrongPassword) as refusal:
        flash(str(refusal), "warning")
        return redirect(url_for("sign_in.form"), 303)
    except DomainError as refusal:
        return door.code_page(error=str(refusal), status=refusal.status)
    return without_question(door.arrived(token))


@pages.route("/login/passkey/again/question", methods=["POST"])
@before_factor
@needs(SIGNED_IN)
def again_question() -> ResponseReturnValue:
    """For who is asked once more."""
    return asked(entering.ask_again(current_user.id, current_user.session_id, site()))


@pages.route("/login/passkey/again", methods=["POST"])
@before_factor
@needs(SIGNED_IN)
def again() -> ResponseReturnValue:
    """Proving again who one is."""
    try:
        entering.prove(current_user.session_id, brought(), answer(), visitor=door.visitor(), site=site())
    except DomainError as refusal:
        return door.again_page(error=str(refusal), status=refusal.status)
    return without_question(make_response(redirect(door.next_page(), 303)))


def site() -> Site:
    """
    Raises:
        Conflict: no passkey works at this address.
    """
    settings: Settings = current_app.extensions["settings"]
    known = Site.of(settings.domain)
    if known is None:
        raise Conflict("Passkeys need an address with a name and https.")
    return known


def asked(it: Question) -> Response:
    """The question for the script; what belongs to it stays with the browser, out of the script's reach."""
    reply = current_app.response_class(it.options, mimetype="application/json")
    sessions.give_cookie(reply, it.token, name=sessions.passkey_cookie_name(), lasts=steps.PATIENCE)
    return reply


def refused(sentence: str, status: int, *, to: str | None = None) -> ResponseReturnValue:
    """In words, for the script to show. to: the page where it can go on."""
    said = orjson.dumps({"error": sentence, "to": to})
    return current_app.response_class(said, status=status, mimetype="application/json")


def brought() -> str:
    return request.cookies.get(sessions.passkey_cookie_name(), "")


def answer() -> str:
    return request.form.get("answer", "")


def without_question(reply: Response) -> Response:
    sessions.take_cookie(reply, name=sessions.passkey_cookie_name())
    return reply


def _half() -> str:
    return request.cookies.get(sessions.step_cookie_name(), "")
