"""Where an alert may be sent: a public address, and never a machine of our own network.

The name is looked up once, and the connection goes to the address that was looked at: a name that answers differently the second
time leads nowhere else.
"""

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

from app.errors import BadRequest

_PATIENCE_SECONDS = 10
_LONGEST = 2_000
_LARGEST_ANSWER = 2_000
# RFC 1035: of each part of a name; a longer one cannot be looked up.
_LONGEST_LABEL = 63


class BadTarget(BadRequest):
    """Nothing may be sent there."""


def checked(url: str, *, local: bool = False) -> str:
    """The URL, when it can be meant. local: plain http is allowed, too, for a receiver on this machine.

    Raises:
        BadTarget: in words for the person who typed it.
    """
    url = url.strip(" ")
    try:
        parts = urlsplit(url)
        plausible = parts.hostname and parts.port != 0 and len(url) <= _LONGEST and url.isascii() and url.isprintable()
    except ValueError:
        plausible = False
    if not plausible or " " in url or parts.username or parts.fragment or not _is_name(parts.hostname or ""):
        raise BadTarget("Write a whole address, like https://hooks.example.com/counterfoil.")
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise BadTarget("The address must begin with https://.")
    return url


def post(url: str, body: bytes, headers: dict[str, str], *, local: bool = False) -> tuple[int, str]:
    """Send it; the status and the first words of the answer. Redirects are not followed.

    Raises:
        BadTarget: the name leads to a machine that is not public. OSError, http.client.HTTPException: no answer came.
    """
    parts = urlsplit(checked(url, local=local))
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_SECONDS)
    connection.sock = socket.create_connection((_public(host, port, local=local), port), timeout=_PATIENCE_SECONDS)
    try:
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_LARGEST_ANSWER).decode("utf-8", "replace")
    finally:
        connection.close()


def _is_name(host: str) -> bool:
    """No empty part and none too long, but for the dot that may stand at the end."""
    return all(0 < len(part) <= _LONGEST_LABEL for part in host.removesuffix(".").split("."))


def _public(host: str, port: int, *, local: bool) -> str:
    """The address behind the name; every one it has must be public, or none is used."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError as error:
        raise BadTarget("No machine can have this name.") from error
    for address in found:
        ip = ipaddress.ip_address(address)
        mapped = getattr(ip, "ipv4_mapped", None) or ip
        if not (mapped.is_global and not mapped.is_multicast) and not (local and mapped.is_loopback):
            raise BadTarget("This address belongs to a private network, where alerts are never sent.")
    return found[0]
