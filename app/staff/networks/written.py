"""A list of networks as somebody writes it: one a line, `203.0.113.0/24 Office`, IPv4 and IPv6."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network

from app.errors import BadRequest
from app.models.allowed_network import AllowedNetwork

MOST = 200
LONGEST = 20_000
LONGEST_NOTE = 100
_MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True)
class Line:
    """network: as PostgreSQL writes it, "203.0.113.0/24". note: what it is, may be empty."""

    network: str
    note: str


def read(text: str) -> list[Line]:
    """The lines of a list; empty ones are passed over.

    Raises:
        BadRequest: one of them is no network, stands there twice, or there are too many; it says which, and what is meant perhaps.
    """
    if len(text) > LONGEST:
        raise BadRequest(f"This list is too long: at most {LONGEST:,} characters can be kept.")
    lines = [_read_line(line) for line in map(str.strip, text.splitlines()) if line]
    if len(lines) > MOST:
        raise BadRequest(f"These are {len(lines)} networks; at most {MOST} can be kept. Write larger ones.")
    known: set[str] = set()
    for line in lines:
        if line.network in known:
            raise BadRequest(f"{line.network} stands there twice.")
        known.add(line.network)
    return lines


def write(networks: Iterable[AllowedNetwork | Line]) -> str:
    """The same list as text."""
    return "\n".join(f"{line.network} {line.note}".strip() for line in networks)


def version_of(networks: Iterable[AllowedNetwork]) -> str:
    """A name for this list as it is, by which a form says what it was made from."""
    return hashlib.sha256(write(networks).encode()).hexdigest()[:16]


def _read_line(line: str) -> Line:
    word, _, note = line.partition(" ")
    cleaned = " ".join("".join(c if c.isprintable() else " " for c in note).split())
    if len(cleaned) > LONGEST_NOTE:
        raise BadRequest(f"What stands behind {word[:50]} is too long: at most {LONGEST_NOTE} characters.")
    return Line(str(_network(word)), cleaned)


def _network(word: str) -> IPv4Network | IPv6Network:
    shown = "".join(c if c.isprintable() else "?" for c in word[:50])
    try:
        network = ip_network(word)
    except ValueError as error:
        raise BadRequest(f"“{shown}” is no network.{_meant(word)}") from error
    if isinstance(network, IPv6Network):
        if network.network_address.scope_id:
            raise BadRequest(f"“{shown}” names a network card. Leave out what follows the percent sign.")
        if network.subnet_of(_MAPPED):
            raise BadRequest(f"“{shown}” is an IPv4 network in IPv6’s form. Write it as IPv4.")
    return network


def _meant(word: str) -> str:
    """`203.0.113.7/24` names a host within a network: which of the two was meant?"""
    try:
        meant = ip_interface(word)
    except ValueError:
        return " Write it like 203.0.113.0/24, 203.0.113.7 or 2001:db8::/48."
    return f" Write {meant.network} for the network, or {meant.ip} for that address alone."
