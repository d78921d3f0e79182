"""Codes of an authenticator app: six digits, new every thirty seconds, RFC 6238."""

import hmac
from base64 import b32encode
from secrets import token_bytes
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from app import clock

DIGITS = 6
SECONDS = 30
# A clock may go wrong by one code (RFC 6238, 5.2); every further step would give a guesser another chance.
DRIFT = 1
_SECRET_BYTES = 20


def new_secret() -> bytes:
    """160 random bits, as RFC 4226 recommends."""
    return token_bytes(_SECRET_BYTES)


def step_of(secret: bytes, code: str) -> int | None:
    """The number of the half minute this code belongs to, of those that count now; None for a wrong code."""
    now = clock.to_unix(clock.now()) // SECONDS
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step), code.encode("utf-8", "replace")):
            found = step
    return found


def code_at(secret: bytes, step: int) -> bytes:
    """The code of a half minute."""
    # SHA-1 is what authenticator apps understand; as an HMAC it is not broken. RFC 4226 secrets may be short, ours is not.
    return HOTP(secret, DIGITS, SHA1()).generate(step)  # noqa: S303


def written(secret: bytes) -> str:
    """The secret for typing: base32 in groups of four."""
    text = b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(secret: bytes, *, email: str, issuer: str) -> str:
    """What stands in the QR code."""
    label = f"{quote(issuer)}:{quote(email)}"
    key = b32encode(secret).decode().rstrip("=")
    return f"otpauth://totp/{label}?secret={key}&issuer={quote(issuer)}&algorithm=SHA1&digits={DIGITS}&period={SECONDS}"
