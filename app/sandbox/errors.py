"""What the sandbox says no with: one exception that knows how Stripe would print it."""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """A refusal in Stripe's words.

    `commit=True` keeps what the handler wrote (a declined payment leaves its failed charge behind) and remembers the
    answer under the idempotency key. `keep=True` remembers the answer only. Otherwise nothing stays.
    `extra` goes into the error body as it is (payment_intent, charge, setup_intent, payment_method ...).
    """

    def __init__(  # noqa: PLR0913 - these are Stripe's fields
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",  # noqa: A002 - Stripe's own word
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        commit: bool = False,
        keep: bool | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.commit = commit
        self.keep = commit if keep is None else keep
        self.extra = extra

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """The JSON answer: {"error": {...}} without empty fields."""
        error: dict[str, Any] = {}
        for name in ("code", "decline_code", "message", "param", "type"):
            value = getattr(self, name)
            if value is not None:
                error[name] = value
        if self.code:
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if request_id:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        error.update(self.extra)
        return {"error": error}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """400 for a parameter that cannot be understood or a step the object does not allow."""
    return StripeError(message, param=param, code=code)


def missing(param: str) -> StripeError:
    return StripeError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(*names: str) -> StripeError:
    """400 for parameters this endpoint does not know."""
    word = "parameter" if len(names) == 1 else "parameters"
    return StripeError(f"Received unknown {word}: {', '.join(names)}", code="parameter_unknown", param=names[0])


def no_such(label: str, object_id: str, *, param: str | None = "id", status: int = 404) -> StripeError:
    """`No such charge: 'ch_x'`; 404 when the id stands in the path, 400 when it came as a parameter."""
    return StripeError(f"No such {label}: '{object_id}'", status=status, code="resource_missing", param=param)
