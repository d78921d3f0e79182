"""Stripe, as far as this program talks to it: a handful of verbs over the official SDK."""

import copy
import io
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, Self

import stripe

from app import clock
from app.gateways import fence
from app.gateways.answer import Answer
from app.gateways.calls import Call
from app.gateways.decode import NotJson, loads
from app.gateways.errors import Trouble, garbled, trouble
from app.gateways.patience import BACKGROUND, INTERACTIVE, WRITING, Patience
from app.gateways.wire import TIMEOUTS, Heard, Wire
from app.settings import API_VERSION, STRIPE_API_BASE

log = logging.getLogger(__name__)

_PAGE = 100
# Stripe takes files at another address; whatever else stands in for it takes them at its own.
_FILES = "https://files.stripe.com"
_MISSING = "resource_missing"


class _Pace(Protocol):
    def wait(self, *, urgent: bool) -> None: ...

    def slow_down(self) -> None: ...

    def pause(self, seconds: float) -> None: ...


class Stripe:
    """Every call leaves through here. Never hold a transaction open while calling.

    All verbs raise GatewayRefused when Stripe clearly says no (nothing was changed there) and GatewayUnavailable when no certain
    answer came (it may or may not have acted). Safe to use from many threads.
    """

    def __init__(
        self,
        api_key: str,
        base: str,
        *,
        pace: _Pace,
        keep: Callable[[Call], None],
        timeouts: tuple[float, float] = TIMEOUTS,
    ) -> None:
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base, "files": _FILES if base == STRIPE_API_BASE else base},
            stripe_version=API_VERSION,
            http_client=Wire(base, timeouts),
            max_network_retries=0,
        )
        self._pace = pace
        self._keep = keep
        self._patience = INTERACTIVE

    @property
    def background(self) -> Self:
        """The same, for work nobody is waiting for: it lets people go first and waits out a rate limit for two minutes."""
        other = copy.copy(self)
        other._patience = BACKGROUND
        return other

    def account(self) -> Answer:
        """Whose key this is."""
        return self._read("/v1/account", {})

    def retrieve(self, path: str) -> Answer:
        """One object, by its full path: `/v1/charges/ch_1`."""
        return self._read(path, {})

    def look(self, path: str, expand: Sequence[str] = ()) -> Answer:
        """Like `retrieve`, but an object that Stripe does not know is an answer too: its status is 404 and its body empty.

        expand: fields that come as whole objects instead of ids.
        """
        return self._read(path, {"expand": list(expand)} if expand else {}, may_be_missing=True)

    def page(self, path: str, parameters: Mapping[str, Any]) -> Answer:
        """One page of a list."""
        return self._read(path, parameters)

    def create_refund(
        self, *, charge: str, amount: int, reason: str | None, metadata: dict[str, str], key: str
    ) -> Answer:
        """Give back `amount` minor units of this charge. The same `key` never gives back twice."""
        form: dict[str, Any] = {"charge": charge, "amount": amount, "metadata": metadata}
        if reason:
            form["reason"] = reason
        kept = {"amount": str(amount), "reason": reason or ""}
        return self._write("/v1/refunds", form, key=key, about=charge, kept=kept)

    def find_refund(self, charge: str, promise_id: str) -> dict[str, Any] | None:
        """The refund of this charge that carries our promise in its metadata, or None after looking through all of them."""
        after: dict[str, str] = {}
        while True:
            answer = self._read("/v1/refunds", {"charge": charge, "limit": _PAGE, **after})
            for refund in answer.data:
                if (refund.get("metadata") or {}).get("counterfoil_refund") == promise_id:
                    return refund
            if not answer.has_more or not answer.data:
                return None
            after = {"starting_after": answer.data[-1]["id"]}

    def ask(  # noqa: PLR0913 - a request has that many sides
        self, method: str, path: str, form: Mapping[str, Any], *, key: str, about: str, kept: dict[str, str]
    ) -> Answer:
        """Ask for a change. The same `key` changes nothing twice; a DELETE, for which Stripe knows no keys, repeats harmlessly.

        about, kept: what the log of calls says of it; nothing personal.
        """
        return self._write(path, form, key=key, about=about, kept=kept, method=method)

    def upload(self, content: bytes, *, filename: str, purpose: str, key: str, about: str) -> Answer:
        """Leave a file with Stripe; the answer is its `file_…`. The same `key` leaves it there once."""
        form = {"purpose": purpose, "file": _Sent(content, filename)}
        kept = {"purpose": purpose, "bytes": str(len(content))}
        more = {"base": "files", "content_type": "multipart/form-data"}
        return self._write("/v1/files", form, key=key, about=about, kept=kept, more=more)

    def register_webhook_endpoint(self, url: str, events: list[str], *, key: str) -> Answer:
        """Have events sent to `url`. The secret to check them with is in this answer and in no later one."""
        form = {"url": url, "enabled_events": events, "api_version": API_VERSION}
        return self._write("/v1/webhook_endpoints", form, key=key, about=None, kept={"url": url})

    def _read(self, path: str, parameters: Mapping[str, Any], *, may_be_missing: bool = False) -> Answer:
        started, tries = time.monotonic(), 0
        while True:
            tries += 1
            outcome = self._attempt("get", path, parameters, {})
            if isinstance(outcome, Answer):
                return outcome
            if may_be_missing and outcome.code == _MISSING and outcome.missing:
                return outcome.missing
            self._wait_or_raise(outcome, self._patience, path, tries, started)

    def _write(  # noqa: PLR0913 - as `ask`
        self,
        path: str,
        form: Mapping[str, Any],
        *,
        key: str,
        about: str | None,
        kept: dict[str, str],
        method: str = "POST",
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        started, tries = time.monotonic(), 0
        while True:
            tries += 1
            # Before every try: the pause before it may have been long.
            fence.ask()
            at, began = clock.now(), time.monotonic()
            outcome = self._attempt(method.lower(), path, form, {"idempotency_key": key, **(more or {})})
            self._keep(
                Call(
                    at=at,
                    method=method,
                    path=path,
                    status=outcome.status,
                    request_id=outcome.request_id,
                    idempotency_key=key,
                    object_id=about,
                    duration_ms=round((time.monotonic() - began) * 1000),
                    error=(outcome.code or outcome.words) if isinstance(outcome, Trouble) else None,
                    parameters=kept,
                )
            )
            if isinstance(outcome, Answer):
                return outcome
            self._wait_or_raise(outcome, WRITING, path, tries, started)

    def _wait_or_raise(self, outcome: Trouble, patience: Patience, path: str, tries: int, started: float) -> None:
        if outcome.too_many:
            self._pace.slow_down()
        elapsed = time.monotonic() - started
        pause = patience.pause(outcome, tries, elapsed)
        extra = {"path": path, "status": outcome.status, "code": outcome.code, "words": outcome.words, "tries": tries}
        level = logging.INFO if outcome.refused or pause is not None else logging.WARNING
        log.log(level, "gateway.no_answer", extra={**extra, "stripe_request_id": outcome.request_id})
        if pause is None:
            raise outcome.error() from outcome.cause
        self._pace.pause(pause)

    def _attempt(
        self, method: str, path: str, parameters: Mapping[str, Any], options: dict[str, str]
    ) -> Answer | Trouble:
        """Ask once."""
        self._pace.wait(urgent=self._patience is INTERACTIVE)
        heard_at, began = clock.now(), time.monotonic()
        try:
            response = self._client.raw_request(method, path, **parameters, **options)
        except stripe.StripeError as error:
            found = trouble(error)
            if isinstance(error.headers, Heard):
                found.missing = _answer(error.headers, {}, heard_at, time.monotonic() - began)
            return found
        heard: Heard = response.headers
        elapsed = time.monotonic() - began
        try:
            body = loads(heard.content)
        except NotJson as error:
            return garbled(heard.status, heard.get("request-id"), error)
        return _answer(heard, body, heard_at, elapsed)


class _Sent(io.BytesIO):
    """A file as the SDK sends it: by name, and from its start again at the next try."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found:
            self.seek(0)
        return found


def _answer(heard: Heard, body: dict[str, Any], heard_at: datetime, elapsed: float) -> Answer:
    return Answer(
        body=body,
        status=heard.status,
        request_id=heard.get("request-id"),
        stripe_now=_date(heard.get("date")) or heard_at.replace(microsecond=0),
        heard_at=heard_at,
        elapsed=timedelta(seconds=elapsed),
        api_version=heard.get("stripe-version") or API_VERSION,
        replayed=heard.get("idempotent-replayed") == "true",
    )


def _date(header: str | None) -> datetime | None:
    """The Date header: whole seconds on Stripe's clock."""
    try:
        return parsedate_to_datetime(header or "").astimezone(UTC)
    except ValueError:
        return None
