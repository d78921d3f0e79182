"""The address of a payment link: everybody who opens it gets a Checkout page of their own."""

from __future__ import annotations

from app.sandbox.checkout import payment_links
from app.sandbox.http import Reply
from app.sandbox.pages import rendering
from app.sandbox.pages.visit import Visit, act
from app.sandbox.routes import route


@route("GET", "/b/{id}")
def start(visit: Visit, id: str) -> Reply:  # noqa: A002
    session = act(visit, lambda tx: payment_links.open_session(tx, id, visit.asked))
    return rendering.redirect(f"/c/pay/{session['id']}")


@route("GET", "/b/{id}/thanks")
def thanks(visit: Visit, id: str) -> Reply:  # noqa: A002
    link = act(visit, lambda tx: tx.require("payment_link", id, lock=False))
    told = link["after_completion"].get("hosted_confirmation") or {}
    return rendering.page("thanks", title="Thank you", message=told.get("custom_message"))
