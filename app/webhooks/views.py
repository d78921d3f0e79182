"""The address Stripe calls. No session, no form token, no page: the signature is the permission.

It stands in front of the framework, because all that is done for a visitor's request costs more than understanding the event.
"""

import logging
import threading
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.mirror import accounts, raw
from app.settings import Settings
from app.webhooks import endpoints, envelope, forgeries, inbox, refusals, signatures
from app.webhooks.envelope import Envelope, ThinEvent
from app.webhooks.intake import Intake
from app.webhooks.signatures import NotBelieved

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("webhooks.views")

ADDRESSES = endpoints.ADDRESSES
# Stripe's largest event is 256 KB.
LARGEST_BODY = 1024 * 1024
_PIECE = 64 * 1024
# A body that dribbles in holds a thread of the web server, and only so many of the 128 may: the rest is for those who work here.
_READERS = 48
_PATIENCE_SECONDS = 0.25
_LONGEST_NUMBER = 12
_LONGEST_HEADER = 200
Answer = tuple[HTTPStatus, str]


def init_webhooks(app: Flask) -> None:
    """Put the address before the application. Call it before what corrects a visitor's address behind a proxy."""
    app.wsgi_app = WebhookDoor(app, app.wsgi_app)  # type: ignore[method-assign]


class WebhookDoor:
    """Answers Stripe, and passes everything else on."""

    def __init__(self, app: Flask, inner: "WSGIApplication") -> None:
        self._app = app
        self._inner = inner
        self._settings: Settings = app.extensions["settings"]
        self._secrets = signatures.usable(self._settings.webhook_secrets)
        self._intake = Intake(self._take_in)
        self._readers = threading.BoundedSemaphore(_READERS)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") not in ADDRESSES:
            return self._inner(environ, start_response)
        try:
            status, words = self._answer(environ)
        except Exception:
            log.exception("webhooks.failed")
            status, words = HTTPStatus.INTERNAL_SERVER_ERROR, "Something is wrong here."
        said = f"{words}\n".encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(said)))]
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "POST"))
        if status is HTTPStatus.TOO_MANY_REQUESTS:
            headers.append(("Retry-After", str(forgeries.counted.wait())))
        start_response(f"{status.value} {status.phrase}", headers)
        return [said]

    def _answer(self, environ: "WSGIEnvironment") -> Answer:
        """2xx only after the event is committed; 400 what is not believed; 413 what is too big; 503 what cannot be kept now.

        429 is a forgery after too many from the same address.
        """
        if environ["REQUEST_METHOD"] != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED, "Stripe posts events here."
        if not self._secrets:
            return HTTPStatus.SERVICE_UNAVAILABLE, "No webhook secret is configured."
        # An honest body is here at once, so nobody waits; and what is refused now, Stripe sends again.
        if not self._readers.acquire(timeout=_PATIENCE_SECONDS):
            return HTTPStatus.SERVICE_UNAVAILABLE, "Too many bodies are arriving too slowly."
        try:
            body = _read(environ)
        finally:
            self._readers.release()
        if body is None:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than any event."
        return self._received(body, environ.get("HTTP_STRIPE_SIGNATURE"), environ)

    def _received(self, body: bytes, signature: str | None, environ: "WSGIEnvironment") -> Answer:
        try:
            signatures.verify(body, signature, self._secrets, now=clock.now())
        except NotBelieved as refusal:
            return self._forged(refusal, body, environ.get("REMOTE_ADDR"))
        try:
            event = envelope.read(body, _kept_headers(environ, signature))
            self._check_owner(event)
            self._intake.hand_in(event)
        except NotBelieved as refusal:
            self._note(refusal, body, environ.get("REMOTE_ADDR"))
            if isinstance(refusal, ThinEvent):
                return HTTPStatus.OK, "Received, and not used."
            return HTTPStatus.BAD_REQUEST, str(refusal)
        except SQLAlchemyError as error:
            log.error("webhooks.not_kept", extra={"reason": type(error).__name__})
            return HTTPStatus.SERVICE_UNAVAILABLE, "The event cannot be kept now; send it again."
        return HTTPStatus.OK, "Received."

    def _forged(self, refusal: NotBelieved, body: bytes, ip: str | None) -> Answer:
        """Counted after the signature was looked at: whoever signs rightly is let in, whatever else came from there."""
        if forgeries.counted.count(ip) > forgeries.MOST_A_MINUTE:
            return HTTPStatus.TOO_MANY_REQUESTS, "Too many requests without a right signature came from this address."
        self._note(refusal, body, ip)
        return HTTPStatus.BAD_REQUEST, str(refusal)

    def _note(self, refusal: NotBelieved, body: bytes, ip: str | None) -> None:
        with self._app.app_context():
            refusals.note(str(refusal), body, ip=ip, event_id=refusal.event_id)

    def _take_in(self, envelopes: list[Envelope]) -> None:
        with self._app.app_context():
            inbox.take_in(envelopes)

    def _check_owner(self, event: Envelope) -> None:
        """Test events move no live money, nor the other way round, and strangers' events move nothing."""
        ours = self._settings.livemode
        if event.livemode is not ours:
            reason = f"A {_mode(event.livemode)} event, but this is {_mode(ours)} mode."
            raise NotBelieved(reason, event_id=event.id)
        if event.account is not None and event.account != self._our_account():
            raise NotBelieved("An event of another account.", event_id=event.id)

    def _our_account(self) -> str | None:
        with self._app.app_context():
            return accounts.current(self._settings.livemode).stripe_id


def _read(environ: "WSGIEnvironment") -> bytes | None:
    """The raw bytes, or None when there are too many; never more of them are read than it takes to know."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length and not (
        length.isascii() and length.isdigit() and len(length) < _LONGEST_NUMBER and int(length) <= LARGEST_BODY
    ):
        return None
    if not length and not environ.get("wsgi.input_terminated"):
        return b""
    body, wanted = b"", int(length) if length else LARGEST_BODY + 1
    while len(body) < wanted and (piece := environ["wsgi.input"].read(min(wanted - len(body), _PIECE))):
        body += piece
    return body if len(body) <= LARGEST_BODY else None


def _kept_headers(environ: "WSGIEnvironment", signature: str | None) -> dict[str, str]:
    """What says how an event came. Of the signature only its time: with the rest the request could be made once more."""
    signed_at = signature.partition(",")[0] if signature else ""
    said = {
        "Content-Type": environ.get("CONTENT_TYPE", ""),
        "User-Agent": environ.get("HTTP_USER_AGENT", ""),
        "Stripe-Signature": f"{signed_at},…" if signed_at.startswith("t=") else "",
    }
    return {name: raw.clean_text(value)[:_LONGEST_HEADER] for name, value in said.items() if value}


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"
