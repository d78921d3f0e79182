"""Passwords: how they are kept, and what a good one is."""

from collections.abc import Iterable
from functools import cache
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import DomainError

SHORTEST = 12
LONGEST = 1_024

# Of zxcvbn's 0 to 4: 3 holds more than 10^8 guesses, the most that somebody tries who has stolen no more than one slow hash.
_GOOD_ENOUGH = 3
# zxcvbn keeps what it was told about a person in a table of its module, and takes this many characters.
_guessing = Lock()
_READ = 72

# OWASP's first choice for Argon2id: 19 MiB, two passes. More memory would let thirty sign-ins at once exhaust a small machine.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class PasswordTooWeak(DomainError):
    """The new password could be guessed."""


def hashed(password: str, *, about: Iterable[str] = ()) -> str:
    """The Argon2id hash to keep. about: what somebody would try first who knows whose it is, like the address and the name.

    Raises:
        PasswordTooWeak: with what would make it strong enough.
    """
    if len(password) < SHORTEST:
        raise PasswordTooWeak(f"A password has at least {SHORTEST} characters: four unrelated words are a good one.")
    if len(password) > LONGEST:
        raise PasswordTooWeak(f"A password has at most {LONGEST} characters.")
    _check_guesses(password, about)
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


def _check_guesses(password: str, about: Iterable[str]) -> None:
    """How soon would somebody guess it who knows lists of passwords, names, dates, keyboards, and this person?"""
    # A late import: its lists take a tenth of a second, which no command but those about passwords should wait for.
    from zxcvbn import zxcvbn

    known = ["counterfoil", *(part for text in about for part in (text, *text.replace("@", " ").split()))]
    with _guessing:
        found = zxcvbn(password[:_READ], user_inputs=known)
    if found["score"] < _GOOD_ENOUGH:
        advice = found["feedback"]
        why = [f"{text.rstrip('.')}." for text in (advice["warning"], *advice["suggestions"]) if text]
        raise PasswordTooWeak(
            " ".join(["This password could be guessed.", *(why or ["Four unrelated words are a good one."])])
        )


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")
