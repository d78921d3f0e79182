"""The Host header, before the framework reads it: with some texts in it, not even an error page can be made."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_HOST = re.compile(
    r"(?:(?P<name>[0-9A-Za-z._-]{1,253})|\[(?P<address>[0-9A-Fa-f:.]{2,45})\])(?::[0-9]{1,5})?", re.ASCII
)


class HostDoor:
    """Answers 400 to what cannot be the name of any host, and passes everything else on."""

    def __init__(self, inner: "WSGIApplication") -> None:
        self._inner = inner

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        host = environ.get("HTTP_HOST")
        if host is None or names_a_host(host):
            return self._inner(environ, start_response)
        said = b"The Host header names no host.\n"
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(said)))]
        start_response("400 Bad Request", [*headers, ("X-Content-Type-Options", "nosniff")])
        return [said]


@lru_cache(maxsize=256)
def names_a_host(host: str) -> bool:
    """A name or an address, perhaps with a port, that can also be written with the letters of its language."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    try:
        if found["address"]:
            IPv6Address(found["address"])
        else:
            found["name"].encode().decode("idna").encode("idna")
    except ValueError:
        return False
    return True
