"""The way to the identity provider and back."""

import hmac

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.database import transaction
from app.errors import DomainError, Unknown
from app.staff import door, steps
from app.staff.sso import operations, provider
from app.staff.sso.provider import NotBelieved, Provider
from app.web import sessions
from app.web.guard import before_factor
from app.web.permissions import PUBLIC, SIGNED_IN, needs
from app.web.tokens import new_token

pages = Blueprint("sso", __name__)


@pages.route("/login/sso", methods=["POST"])
@needs(PUBLIC)
def begin() -> ResponseReturnValue:
    """Off to the provider, to sign in."""
    return _away(_provider(), {"next": door.kept_next()}, fresh=False)


@pages.route("/login/sso/again", methods=["POST"])
@before_factor
@needs(SIGNED_IN)
def again() -> ResponseReturnValue:
    """Off to the provider, to prove once more who one is."""
    proves = {"next": door.next_page(), "session": current_user.session_id.hex()}
    return _away(_provider(), proves, fresh=True)


@pages.route("/login/sso/back")
@needs(PUBLIC)
def back() -> ResponseReturnValue:
    """Back from the provider. What it says counts once, and only in the browser that was sent there."""
    known = _provider()
    try:
        with transaction():
            step = steps.take(request.cookies.get(sessions.step_cookie_name(), ""), "sso")
        if step is None or not hmac.compare_digest(step.data["state"], request.args.get("state", "")):
            raise NotBelieved(
                "This sign-in was finished already, took too long, or began in another browser. Try again."
            )
        return _finish(known, step)
    except DomainError as refusal:
        return door.form_page(error=str(refusal)), refusal.status


def _finish(known: Provider, step: steps.Step) -> ResponseReturnValue:
    if not (code := request.args.get("code", "")):
        raise NotBelieved("The identity provider let nobody in.")
    proves = step.data.get("session")
    claims = known.claims(code, nonce=step.data["nonce"], verifier=step.data["verifier"], fresh=proves is not None)
    who = operations.Identity.read(claims, known.sso)
    if proves is not None:
        operations.prove(who, bytes.fromhex(proves), visitor=door.visitor())
        answer = make_response(redirect(step.data["next"] or door.HOME, 303))
        sessions.take_cookie(answer, name=sessions.step_cookie_name())
        return answer
    entry = operations.come_in(
        who, known.sso, visitor=door.visitor(), old_token=request.cookies.get(sessions.cookie_name())
    )
    to = step.data["next"]
    return door.halfway(entry.token, to=to) if entry.halfway else door.arrived(entry.token, to=to)


def _away(known: Provider, data: dict[str, str], *, fresh: bool) -> ResponseReturnValue:
    """A page that leads on by itself. A redirect would not: `form-action` holds for all the places a form's answer leads to."""
    secrets = {"state": new_token(), "nonce": new_token(), "verifier": new_token()}
    try:
        address = known.address(fresh=fresh, **secrets)
    except DomainError as refusal:
        return door.form_page(error=str(refusal)), refusal.status
    with transaction():
        token = steps.begin("sso", data=data | secrets)
    answer = make_response(render_template("door/away.html", address=address, back=url_for("sign_in.form")))
    sessions.give_cookie(answer, token, name=sessions.step_cookie_name(), lasts=steps.PATIENCE)
    return answer


def _provider() -> Provider:
    known = provider.current()
    if known is None:
        raise Unknown("There is no single sign-on here.")
    return known
