"""Things that go wrong on purpose: which requests, how often, and how."""

from __future__ import annotations

import fnmatch
import random
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from app.sandbox import codec
from app.sandbox.http import Reply

HTML_502 = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n"
)
GARBAGE = b"\x1f\x8b\x08\x00this is no gzip stream"


@dataclass
class Fault:
    """One switch. Delays are seconds. `when` says whether the failing reply hides an effect ("after" the commit) or
    there is none ("before"). Without status, body, html, garbage, cut, reset or content_length the true reply goes
    out, with `headers` added."""

    method: str = "*"
    path: str = "*"
    params: dict[str, Any] = field(default_factory=dict)
    times: int | None = None
    percent: float | None = None
    seed: int | None = None
    skip: int = 0
    when: str = "before"
    delay_before: float = 0.0
    delay_during: float = 0.0
    delay_after: float = 0.0
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    html: bool = False
    garbage: bool = False
    cut: int | None = None
    reset: bool = False
    content_length: int | None = None
    id: str = ""
    hits: int = 0

    @property
    def answers(self) -> bool:
        """Does it replace the reply, so that `when="before"` means the handler never runs?"""
        return self.status is not None or self.body is not None or self.html or self.garbage or self.reset

    def spoil(self, reply: Reply) -> Reply:
        """The reply as the client gets to see it."""
        headers = reply.headers | self.headers
        if self.reset:
            return Reply(reply.status, b"", reset=True)
        if self.html:
            reply = Reply(self.status or 502, HTML_502, content_type="text/html")
        elif self.garbage:
            reply = Reply(self.status or 200, GARBAGE)
            headers["Content-Encoding"] = "gzip"
        elif self.status is not None or self.body is not None:
            reply = Reply(self.status or reply.status, self._body())
        reply.headers = headers
        reply.cut_after = self.cut
        reply.content_length = self.content_length
        return reply

    def _body(self) -> bytes:
        if isinstance(self.body, str):
            return self.body.encode()
        if self.body is not None:
            return codec.dumps(self.body).encode()
        return codec.dumps({"error": _error(self.status or 500)}).encode()


class Faults:
    """The switches that are on. The first that matches a request acts on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._dice: dict[str, random.Random] = {}
        self._count = 0

    def add(self, spec: dict[str, Any]) -> Fault:
        """Raises TypeError for a name `Fault` does not have."""
        with self._lock:
            fault = Fault(**spec)
            if fault.when not in ("before", "after"):
                raise TypeError("when is 'before' or 'after'")
            self._count += 1
            fault.id = f"fault_{self._count}"
            self._dice[fault.id] = random.Random(fault.seed)  # noqa: S311 - dice, not keys
            self._faults.append(fault)
            return fault

    def clear(self, fault_id: str | None = None) -> None:
        with self._lock:
            self._faults = [one for one in self._faults if fault_id is not None and one.id != fault_id]

    def as_list(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(one) for one in self._faults]

    def match(self, method: str, path: str, params: dict[str, Any]) -> Fault | None:
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if self._fits(fault, method, path, params):
                    return fault
        return None

    def _fits(self, fault: Fault, method: str, path: str, params: dict[str, Any]) -> bool:
        if fault.method not in ("*", method) or not fnmatch.fnmatchcase(path, fault.path):
            return False
        if any(params.get(name) != value for name, value in fault.params.items()):
            return False
        if fault.times is not None and fault.hits >= fault.times:
            return False
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.percent is not None and self._dice[fault.id].random() * 100 >= fault.percent:
            return False
        fault.hits += 1
        return True


def _error(status: int) -> dict[str, Any]:
    if status == 429:
        return {
            "type": "invalid_request_error",
            "code": "rate_limit",
            "message": "Too many requests hit the API too quickly.",
        }
    if status == 409:
        return {
            "type": "invalid_request_error",
            "code": "lock_timeout",
            "message": "This object is being changed by another request.",
        }
    return {"type": "api_error", "message": "An unknown error occurred."}
