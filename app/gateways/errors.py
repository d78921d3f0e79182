"""What a failed call means: a clear no, a wish that we wait, or nothing that anybody could know."""

from dataclasses import dataclass

import stripe

from app.errors import DomainError, GatewayRefused, GatewayUnavailable
from app.gateways.answer import Answer
from app.logs import redact

# A no is only a no when Stripe says so in its own words. These say "not now" instead: timeout, lock, too early, too many.
_NOT_NOW = frozenset({408, 409, 425, 429})
_NOT_NOW_CODES = frozenset({"rate_limit", "lock_timeout", "idempotency_key_in_use"})
# Our key was used before with other words, by an older version of this program: that request may have moved money.
_USED_BEFORE = "idempotency_error"
_TOO_MANY = 429
_CLIENT_ERRORS = range(400, 500)


@dataclass(slots=True)
class Trouble:
    """One attempt that brought no answer to use.

    `refused`: Stripe's clear no. `too_many`: we were asked to slow down. `retry_after`: seconds Stripe asked us to wait, if it did.
    `hopeless`: Stripe says that asking again is no use. `words`: for the log, without secrets.
    `missing`: the answer around a refusal, for who wants to know when it was said.
    """

    status: int | None
    code: str
    words: str
    request_id: str | None
    refused: bool
    too_many: bool
    hopeless: bool
    retry_after: float | None
    cause: Exception
    missing: Answer | None = None

    def error(self) -> DomainError:
        """The rule, for whoever clicked."""
        if self.refused:
            return GatewayRefused(self.words, code=self.code, request_id=self.request_id)
        if self.too_many:
            return GatewayUnavailable("Stripe is asking us to slow down. Try again in a minute.")
        return GatewayUnavailable(
            "No certain answer came from Stripe: it may or may not have acted. It will be looked up before anything is asked again."
        )


def trouble(error: stripe.StripeError) -> Trouble:
    """Read the SDK's error. Anything that is not Stripe's own JSON is no answer, whatever its status."""
    status = error.http_status
    told = error.json_body.get("error") if isinstance(error.json_body, dict) else None
    clear = isinstance(told, dict) and isinstance(told.get("type"), str)
    # Not `error.code`: the SDK leaves it out of some of its errors.
    kind = str(told["type"]) if clear and told else ""
    code = str(told.get("code") or kind) if clear and told else ""
    not_now = status in _NOT_NOW or code in _NOT_NOW_CODES
    used_before = kind == _USED_BEFORE and not not_now
    headers = error.headers or {}
    return Trouble(
        status=status,
        code=code,
        words=redact(error.user_message or "") if clear else _first_words(error),
        request_id=error.request_id,
        refused=clear and status in _CLIENT_ERRORS and not not_now and not used_before,
        too_many=status == _TOO_MANY or code == "rate_limit",
        hopeless=used_before or str(headers.get("stripe-should-retry", "")).lower() == "false",
        retry_after=_seconds(headers.get("retry-after")),
        cause=error,
    )


def garbled(status: int, request_id: str | None, cause: Exception) -> Trouble:
    """A good status whose body is not JSON: cut short, or another machine's page."""
    words = f"The answer ({status}) is not JSON."
    return Trouble(
        status, "", words, request_id, refused=False, too_many=False, hopeless=False, retry_after=None, cause=cause
    )


def _first_words(error: stripe.StripeError) -> str:
    """Of an error that is not Stripe's own: its kind and status. A body from who knows where is not repeated."""
    if isinstance(error, stripe.APIConnectionError):
        cause = error.__cause__
        return f"No connection: {type(cause).__name__ if cause else 'unknown'}."
    return f"The answer ({error.http_status}) is not Stripe's."


def _seconds(text: object) -> float | None:
    """Retry-After in seconds; the form with a date is not sent by Stripe."""
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return None
