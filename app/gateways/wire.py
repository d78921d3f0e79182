"""The SDK's HTTP client, made to hand over the bytes unread: the SDK's own reading of a page costs more than all the rest."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import stripe

from app.gateways.decode import NotJson, loads

TIMEOUTS = (3.0, 12.0)  # seconds to connect, seconds between two bytes
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_FIRST_ERROR = 400


class Heard(dict[str, str]):
    """The headers of an answer, in lower case, with the status and the bytes that came with them."""

    def __init__(self, headers: Mapping[str, str], status: int, content: bytes) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})
        self.status = status
        self.content = content

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name.lower() if isinstance(name, str) else name)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Wire(stripe.RequestsClient):
    """One HTTP exchange. A good answer's body travels beside the headers; the SDK sees `{}` and has nothing to read.

    The bodies of refusals go the SDK's way, because it knows how to make errors of them.
    """

    name = "requests"

    def __init__(self, base: str, timeouts: tuple[float, float] = TIMEOUTS) -> None:
        super().__init__(timeout=timeouts, session=_session(base))

    def request(  # type: ignore[override]  # as the SDK's own RequestsClient does
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        # In one piece: requests itself would read in slices of ten kilobytes, which costs as much as decoding the page.
        body, status, answered = self._request_internal(method, url, headers, post_data, is_streaming=True)
        try:
            content: bytes = body.read(decode_content=True)
        except Exception as error:  # noqa: BLE001 - as the SDK: whatever breaks while reading is "no answer"
            self._handle_request_error(error)
        heard = Heard(answered, status, content)
        if status < _FIRST_ERROR:
            return b"{}", status, heard
        if not _is_stripes(content):
            # The SDK would raise the same, but drop the headers, and with them the request id.
            raise stripe.APIError(f"The answer ({status}) is not Stripe's.", None, status, None, heard)
        return content, status, heard


def _is_stripes(content: bytes) -> bool:
    """An error in Stripe's own words, and not the page of a machine in between."""
    try:
        told = loads(content).get("error")
    except NotJson:
        return False
    return isinstance(told, dict) and isinstance(told.get("type"), str)


def _session(base: str) -> requests.Session:
    """One pool of connections for all threads."""
    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=32))
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))
    # Stripe never redirects. Whoever does, must not be given our key; and a POST would arrive as a GET.
    session.max_redirects = 0
    # A proxy of the environment is for the outside world.
    session.trust_env = urlsplit(base).hostname not in _LOCAL
    return session
