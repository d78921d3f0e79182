"""The address Stripe calls. No session, no form token, no page: the signature is the permission."""

import logging

from flask import Blueprint, Flask, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from app import clock
from app.mirror import accounts
from app.settings import Settings
from app.web import guard
from app.web.permissions import PUBLIC, needs
from app.webhooks import envelope, inbox, refusals, signatures
from app.webhooks.envelope import Envelope, ThinEvent
from app.webhooks.intake import Intake
from app.webhooks.signatures import NotBelieved

log = logging.getLogger("webhooks.views")
webhooks = Blueprint("stripe_webhooks", __name__)

# Stripe's largest event is 256 KB.
LARGEST_BODY = 1024 * 1024
_INTAKE = "webhook_intake"


def init_webhooks(app: Flask) -> None:
    """Add the address to the application."""
    guard.exempt(webhooks)
    app.extensions[_INTAKE] = Intake(inbox.take_in)
    app.register_blueprint(webhooks)


@webhooks.post("/webhooks/stripe")
@webhooks.post("/webhook")
@needs(PUBLIC)
def receive() -> Response:
    """2xx only after the event is committed; 400 what is not believed; 413 what is too big; 503 when it cannot be kept now."""
    settings: Settings = current_app.extensions["settings"]
    secrets = signatures.usable(settings.webhook_secrets)
    if not secrets:
        return _answer(503, "No webhook secret is configured.")
    body = _read_body()
    if body is None:
        return _answer(413, "The body is larger than any event.")
    try:
        signatures.verify(body, request.headers.get("Stripe-Signature"), secrets, now=clock.now())
        event = envelope.read(body)
        _check_owner(event, settings)
        current_app.extensions[_INTAKE].hand_in(event)
    except ThinEvent as thin:
        refusals.note(str(thin), body, ip=request.remote_addr)
        return _answer(200, "Received, and not used.")
    except NotBelieved as refusal:
        refusals.note(str(refusal), body, ip=request.remote_addr, event_id=refusal.event_id)
        return _answer(400, str(refusal))
    except SQLAlchemyError as error:
        log.error("webhooks.not_kept", extra={"reason": type(error).__name__})
        return _answer(503, "The event cannot be kept now; send it again.")
    return _answer(200, "Received.")


def _read_body() -> bytes | None:
    """The raw bytes, or None when there are too many; never more of them are read than that takes."""
    # One more than allowed: a body without a length is cut off at the limit without an error.
    request.max_content_length = LARGEST_BODY + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return None
    return body if len(body) <= LARGEST_BODY else None


def _check_owner(event: Envelope, settings: Settings) -> None:
    """Test events move no live money, nor the other way round, and strangers' events move nothing."""
    if event.livemode is not settings.livemode:
        raise NotBelieved(
            f"A {_mode(event.livemode)} event, but this is {_mode(settings.livemode)} mode.", event_id=event.id
        )
    if event.account is not None and event.account != accounts.current(event.livemode).stripe_id:
        raise NotBelieved("An event of another account.", event_id=event.id)


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"


def _answer(status: int, words: str) -> Response:
    return Response(f"{words}\n", status, content_type="text/plain; charset=utf-8")
