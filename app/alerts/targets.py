"""Where an alert may be sent: a public address, and never a machine of our own network that nobody listed.

The name is looked up once, and the connection goes to the address that was looked at: a name that answers differently the second
time leads nowhere else.
"""

import http.client
import ipaddress
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from typing import Self
from urllib.parse import SplitResult, urlsplit

from app.errors import BadRequest
from app.settings import Settings

# For each answer of the receiver, and for all of it: one that says a letter now and then holds nobody up.
_PATIENCE_SECONDS = 10
_LONGEST_SECONDS = 30
_LONGEST = 2_000
_LARGEST_ANSWER = 2_000
# RFC 1035: of each part of a name; a longer one cannot be looked up.
_LONGEST_LABEL = 63
_PORTS = {"https": 443, "http": 80}
# RFC 6052: an IPv4 address within an IPv6 one.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadTarget(BadRequest):
    """Nothing may be sent there."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached besides public addresses. here: this machine, with http as well. origins: those that were listed,
    like `https://hooks.internal:8443`, each with its scheme, host and port."""

    here: bool = False
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.alerts_local, settings.alerts_internal)

    def lists(self, parts: SplitResult) -> bool:
        """Whether this origin was listed."""
        return _origin(parts) in {_origin(urlsplit(origin)) for origin in self.origins}


PUBLIC = Reach()


def checked(url: str, *, reach: Reach = PUBLIC) -> str:
    """The URL, when it can be meant.

    Raises:
        BadTarget: in words for the person who typed it.
    """
    url = url.strip(" ")
    try:
        parts = urlsplit(url)
        plausible = parts.hostname and parts.port != 0 and len(url) <= _LONGEST and url.isascii() and url.isprintable()
    except ValueError:
        plausible = False
    if not plausible or " " in url or "@" in parts.netloc or parts.fragment or not _is_name(parts.hostname or ""):
        raise BadTarget("Write a whole address, like https://hooks.example.com/counterfoil.")
    if parts.scheme != "https" and not (parts.scheme == "http" and (reach.here or reach.lists(parts))):
        raise BadTarget("The address must begin with https://.")
    return url


def post(url: str, body: bytes, headers: dict[str, str], *, reach: Reach = PUBLIC) -> tuple[int, str]:
    """Send it; the status and the first words of the answer. Redirects are not followed.

    Raises:
        BadTarget: the name leads to a machine that is not public. OSError, http.client.HTTPException: no answer came.
    """
    parts = urlsplit(checked(url, reach=reach))
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    address = _allowed(host, port, here=reach.here, listed=reach.lists(parts))
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_SECONDS)
    connection.sock = socket.create_connection((address, port), timeout=_PATIENCE_SECONDS)
    hang_up = Timer(_LONGEST_SECONDS, _shut, [connection])
    hang_up.daemon = True
    hang_up.start()
    try:
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_LARGEST_ANSWER).decode("utf-8", "replace")
    finally:
        hang_up.cancel()
        connection.close()


def _shut(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, (parts.hostname or "").removesuffix("."), parts.port or _PORTS.get(parts.scheme, 0)


def _is_name(host: str) -> bool:
    """No empty part and none too long, but for the dot that may stand at the end."""
    return all(0 < len(part) <= _LONGEST_LABEL for part in host.removesuffix(".").split("."))


def _allowed(host: str, port: int, *, here: bool, listed: bool) -> str:
    """The address behind the name; every one it has must be allowed, or none is used."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError as error:
        raise BadTarget("No machine can have this name.") from error
    for address in found:
        ip = _meant(ipaddress.ip_address(address))
        if not (_is_public(ip) or (here and ip.is_loopback) or (listed and _is_of_the_house(ip))):
            raise BadTarget("This address belongs to a private network, where alerts are never sent.")
    return found[0]


def _meant(ip: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it stands for one: all the ways in which that is written."""
    if isinstance(ip, ipaddress.IPv6Address):
        teredo = ip.teredo[1] if ip.teredo else None
        translated = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _TRANSLATED else None
        return ip.ipv4_mapped or ip.sixtofour or teredo or translated or ip
    return ip


def _is_public(ip: Address) -> bool:
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _is_of_the_house(ip: Address) -> bool:
    """A private address that a receiver can have; never those where clouds hand out their secrets."""
    return (ip.is_private or ip.is_loopback) and not (ip.is_link_local or ip.is_multicast or ip.is_unspecified)
