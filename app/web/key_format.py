"""How a key for programs is written: `cf_live_` and 61 letters and digits, of which the first twelve are no secret.

    cf_live_ | k3x9Q0pLm2Za | 43 letters and digits, 256 random bits | 6 letters and digits, a checksum

The whole word is one double click. The checksum (CRC-32 of what stands before it) tells a key from a word that only looks like
one, so that who scans code for leaked keys finds no false ones, and nobody asks the database about a mistyped one.
"""

import re
import secrets
import string
import zlib
from typing import NamedTuple

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PUBLIC, _SECRET, _SUM = 12, 43, 6
WORD = re.compile(rf"cf_(?:live|test)_[0-9A-Za-z]{{{_PUBLIC + _SECRET + _SUM}}}", re.ASCII)


class WrittenKey(NamedTuple):
    """prefix: finds the key and may be shown. secret: the rest without the checksum. mode: live or test."""

    prefix: str
    secret: str

    @property
    def mode(self) -> str:
        return self.prefix.split("_")[1]

    def __str__(self) -> str:
        body = self.prefix + self.secret
        return body + _checksum(body)


def new_key(*, live: bool) -> WrittenKey:
    """A key nobody had before."""
    return WrittenKey(f"cf_{'live' if live else 'test'}_{_random(_PUBLIC)}", _random(_SECRET))


def read_key(text: str) -> WrittenKey | None:
    """The key that this is, None where it cannot be one."""
    if not WORD.fullmatch(text):
        return None
    body, checksum = text[:-_SUM], text[-_SUM:]
    if _checksum(body) != checksum:
        return None
    return WrittenKey(body[:-_SECRET], body[-_SECRET:])


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _checksum(body: str) -> str:
    left, digits = zlib.crc32(body.encode()), []
    for _ in range(_SUM):
        left, digit = divmod(left, len(_LETTERS))
        digits.append(_LETTERS[digit])
    return "".join(reversed(digits))
