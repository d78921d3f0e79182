"""The page behind the link in a letter: it leads to Stripe, and shows nothing of anybody."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import Conflict, DomainError
from app.gateways.current import gateway
from app.methods import asking, words
from app.methods.asking import LinkOver
from app.settings import Settings
from app.web.headers import allow_form_target
from app.web.permissions import PUBLIC, needs

pages = Blueprint("card", __name__, url_prefix="/card")


@pages.route("/<token>")
@needs(PUBLIC)
def start(token: str) -> ResponseReturnValue:
    """A button: only who presses it is led on. Mail programs open links, too."""
    return _page(token) if asking.open_link(token) else _over()


@pages.route("/<token>", methods=["POST"])
@needs(PUBLIC)
def leave(token: str) -> ResponseReturnValue:
    """To a page of Stripe's that was made this moment, so that it is never too old."""
    settings: Settings = current_app.extensions["settings"]
    try:
        address = asking.lead_to_stripe(token, domain=settings.domain, gateway=gateway(), ip=request.remote_addr)
    except LinkOver:
        return _over()
    except Conflict as refusal:
        return make_response(_page(token, error=str(refusal)), 429)
    except DomainError:
        return make_response(
            _page(token, error="Stripe’s page cannot be opened just now. Try again in a few minutes."), 503
        )
    if words.safe_link(address, trusted=settings.stripe_api_base) is None:
        return make_response(
            _page(token, error="Stripe’s page cannot be opened just now. Try again in a few minutes."), 503
        )
    return redirect(address, 303)


@pages.route("/done")
@needs(PUBLIC)
def done() -> ResponseReturnValue:
    """Where Stripe's page leads back to."""
    return render_template("methods/door_done.html")


@pages.route("/<token>/no-more")
@needs(PUBLIC)
def stop(token: str) -> ResponseReturnValue:
    """Ask whether it is meant."""
    return render_template("methods/door_stop.html", token=token, said=False)


@pages.route("/<token>/no-more", methods=["POST"])
@needs(PUBLIC)
def stopped(token: str) -> ResponseReturnValue:
    """No more letters like the one with this link."""
    try:
        asking.no_more(token, ip=request.remote_addr)
    except LinkOver:
        return _over()
    return render_template("methods/door_stop.html", token=token, said=True)


def _page(token: str, *, error: str | None = None) -> str:
    settings: Settings = current_app.extensions["settings"]
    # Stripe's page may be at an address of the shop's own; the sandbox's is where its API is.
    allow_form_target("https:")
    own = urlsplit(settings.stripe_api_base)
    allow_form_target(f"{own.scheme}://{own.netloc}")
    return render_template("methods/door.html", token=token, error=error, action=url_for("card.leave", token=token))


def _over() -> ResponseReturnValue:
    return make_response(render_template("methods/door_over.html"), LinkOver.status)
