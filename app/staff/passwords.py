"""Passwords: how they are kept, and what a good one is."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import DomainError

SHORTEST = 12
LONGEST = 1_024

# OWASP's first choice for Argon2id: 19 MiB, two passes. More memory would let thirty sign-ins at once exhaust a small machine.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class PasswordTooWeak(DomainError):
    """The new password could be guessed."""


def hashed(password: str) -> str:
    """The Argon2id hash to keep.

    Raises:
        PasswordTooWeak: with what would make it strong enough.
    """
    if len(password) < SHORTEST:
        raise PasswordTooWeak(f"A password has at least {SHORTEST} characters: four unrelated words are a good one.")
    if len(password) > LONGEST:
        raise PasswordTooWeak(f"A password has at most {LONGEST} characters.")
    if len(set(password)) < SHORTEST // 3:
        raise PasswordTooWeak("This password repeats itself: four unrelated words are a good one.")
    return _hasher.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password behind the hash. Without a hash the same work is done, so that time tells nothing."""
    if len(password) > LONGEST:
        password = ""
    try:
        return _hasher.verify(kept or _nobodys(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Hashed with weaker settings than today's."""
    return _hasher.check_needs_rehash(kept)


def rehashed(password: str) -> str:
    """The same password with today's settings, whatever rules came since."""
    return _hasher.hash(password)


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")
