"""What has to be kept but may not be read from a copy of the database: encrypted or hashed with keys made of SECRET_KEY."""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class BrokenSeal(Exception):
    """It was shut with another SECRET_KEY, for somebody else, or changed since."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Two keys, one for each purpose, so that neither says anything about the other or about SECRET_KEY."""

    encrypting: bytes
    hashing: bytes

    @classmethod
    def of(cls, secret_key: str) -> Self:
        return cls(
            _derived(secret_key, b"counterfoil second factor"), _derived(secret_key, b"counterfoil recovery code")
        )

    @classmethod
    def for_letters(cls, secret_key: str) -> Self:
        """Of letters that nobody but their receiver may read."""
        return cls(_derived(secret_key, b"counterfoil letter"), _derived(secret_key, b"counterfoil letter mark"))

    @classmethod
    def for_keys(cls, secret_key: str) -> Self:
        """Of keys for programs, which are only ever hashed."""
        return cls(_derived(secret_key, b"counterfoil api key"), _derived(secret_key, b"counterfoil api key mark"))

    @classmethod
    def for_alerts(cls, secret_key: str) -> Self:
        """Of the addresses that alerts go to, and of what they are signed with."""
        return cls(
            _derived(secret_key, b"counterfoil alert channel"), _derived(secret_key, b"counterfoil alert channel mark")
        )

    def shut(self, secret: bytes, *, owner: UUID) -> bytes:
        """AES-256-GCM, bound to its owner: copied to somebody else's row it opens no more."""
        nonce = token_bytes(_NONCE)
        return nonce + AESGCM(self.encrypting).encrypt(nonce, secret, owner.bytes)

    def open(self, shut: bytes, *, owner: UUID) -> bytes:
        """The secret.

        Raises:
            BrokenSeal: it cannot be read.
        """
        try:
            return AESGCM(self.encrypting).decrypt(shut[:_NONCE], shut[_NONCE:], owner.bytes)
        except InvalidTag as error:
            raise BrokenSeal("SECRET_KEY is another one than when this was kept.") from error

    def mark(self, text: str, *, owner: UUID) -> bytes:
        """HMAC-SHA-256: without the key not even all guesses together find the text."""
        return hmac.digest(self.hashing, owner.bytes + text.encode("utf-8", "replace"), sha256)


def _derived(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())
