"""What a program is told when something is refused: problem details (RFC 9457), one shape for every address below /api/."""

import re
from http import HTTPStatus

from flask import Response, current_app, request

from app import logs
from app.errors import DomainError

MIMETYPE = "application/problem+json"
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Problem(DomainError):
    """A refusal with a name that programs can rely on, and headers that go with it."""

    code = "problem"

    def __init__(self, message: str, **headers: str) -> None:
        super().__init__(message)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class NoKey(Problem):
    """No key came along, or none that works; which of the reasons it is, only a good key would be told."""

    status, code = 401, "no-valid-key"

    def __init__(self, message: str) -> None:
        super().__init__(message, WWW_Authenticate='Bearer realm="counterfoil"')


class KeyInAddress(Problem):
    """Addresses are kept in logs."""

    status, code = 400, "key-in-address"


class MissingScope(Problem):
    """The key works, but not for this."""

    status, code = 403, "missing-scope"


class TooFast(Problem):
    """More requests than the key has in a minute."""

    status, code = 429, "too-many-requests"


def for_programs() -> bool:
    """Whether a program asks, and not a person."""
    return request.path.startswith("/api/")


def answer(status: int, message: str | None, *, code: str = "") -> Response:
    """One problem. `type` is an absolute name, so that `title` and `detail` may change their words."""
    phrase = HTTPStatus(status).phrase
    told = {
        "type": f"urn:counterfoil:problem:{code}" if code else "about:blank",
        "title": phrase,
        "status": status,
        "detail": message or phrase,
        "request_id": logs.request_id.get(),
    }
    return current_app.response_class(current_app.json.dumps(told), status=status, mimetype=MIMETYPE)


def code_of(error: DomainError) -> str:
    """`GatewayUnavailable` as `gateway-unavailable`."""
    known = getattr(error, "code", "") if isinstance(error, Problem) else ""
    return known or _HUMP.sub("-", type(error).__name__).lower()
