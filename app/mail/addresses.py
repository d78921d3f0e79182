"""Where a letter may go: one plain address, and nothing that a mail server could take for more."""

import re

from app.errors import BadRequest

_LONGEST = 254
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]", re.ASCII
)


class BadAddress(BadRequest):
    """What was typed is not one e-mail address."""


def checked(text: str) -> str:
    """The address as it is sent to: without blanks around it, its host in ASCII (`bücher.example` is `xn--bcher-kva.example`).

    Quoted names, lists, comments and names in other letters than ASCII are refused: hardly anybody has them, and they are how
    one address becomes two.

    Raises:
        BadAddress: with a sentence for the person who typed it.
    """
    name, at, host = text.strip(" ").rpartition("@")
    if not at or not name or not host:
        raise BadAddress("Write one e-mail address, like jane@example.com.")
    host = _ascii(host)
    address = f"{name}@{host}"
    if len(address) > _LONGEST or len(name) > 64 or not _LOCAL.fullmatch(name) or not _HOST.fullmatch(host):  # noqa: PLR2004 - RFC 5321, 4.5.3.1
        raise BadAddress("This is not an e-mail address that can be written to. Write one, like jane@example.com.")
    return address


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise BadAddress("The part behind the @ is not the name of a mail server.") from error
