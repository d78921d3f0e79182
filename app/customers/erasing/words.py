"""What a person is called: the words by which they are found in free text that is about something else."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import text

from app.database import db

ERASED = "[erased]"

_MAIL = re.compile(r"[^\s@<>\"'(),;:]{1,64}@[^\s@<>\"'(),;:]{3,255}")
_MAILS = frozenset(
    {"email", "receipt_email", "customer_email", "customer_email_address", "payer_email", "verified_email"}
)
_NAMES = frozenset(
    {"name", "customer_name", "verified_name", "cardholder_name", "account_holder_name", "individual_name"}
)
_PHONES = frozenset({"phone", "customer_phone"})
_STREETS = frozenset({"line1", "line2", "billing_address", "shipping_address"})
_SHORTEST_NAME, _SHORTEST_STREET, _DIGITS_OF_A_PHONE = 8, 8, 7

# Who else is called so. A word that two people share says nothing about which of them is meant.
_SHARED = text("""
    SELECT word FROM unnest(CAST(:words AS text[])) AS said (word)
     WHERE EXISTS (SELECT FROM customers c WHERE email_key(c.email) = email_key(said.word) AND c.id <> :customer_id)
        OR EXISTS (SELECT FROM search_words s WHERE s.account_id = :account_id AND s.kind IN ('n', 'a')
                      AND s.word IN (search_fold(said.word), array_to_string(search_split(said.word), ' '))
                      AND s.customer_id <> :customer_id)
        OR EXISTS (SELECT FROM staff WHERE lower(staff.email) = lower(said.word) OR lower(staff.name) = lower(said.word))
""")


def called(objects: Iterable[Any]) -> set[str]:
    """E-mail addresses, telling names, telephone numbers and streets in objects of Stripe."""
    found: set[str] = set()
    for obj in objects:
        found |= {word for name, value in _leaves(obj) for word in _telling(name, value)}
    return found


def own(words: Collection[str], customer_id: str, account_id: int) -> list[str]:
    """Those that nobody else is called, the longest first, so that none leaves a piece of another."""
    values = {"words": sorted(words), "customer_id": customer_id, "account_id": account_id}
    shared = set(db.session.execute(_SHARED, values).scalars())
    return sorted(set(words) - shared, key=lambda word: (-len(word), word))


def patterns(words: Collection[str]) -> list[str]:
    """For LIKE, on text and on JSON alike; PostgreSQL may fold ASCII only, so small and large letters are said as well."""
    spelt = {variant for word in words for variant in (word, word.lower(), word.upper(), word.title())}
    as_json = {orjson.dumps(word).decode()[1:-1] for word in spelt}
    return sorted(f"%{_escaped(word)}%" for word in spelt | as_json)


def finder(words: Collection[str]) -> re.Pattern[str]:
    """Finds any of them, whatever their letters' size. Of no words, it finds nothing."""
    return re.compile("|".join(re.escape(word) for word in words) or r"(?!)", re.IGNORECASE)


def without(value: Any, found: re.Pattern[str]) -> Any:
    """The same with each of the words replaced, at any depth, keys included."""
    if isinstance(value, str):
        return found.sub(ERASED, value)
    if isinstance(value, Mapping):
        return {found.sub(ERASED, key): without(inner, found) for key, inner in value.items()}
    if isinstance(value, list):
        return [without(inner, found) for inner in value]
    return value


def _telling(name: str, value: str) -> Iterator[str]:
    plain = value.strip()
    is_address = name in (_MAILS | _NAMES) and _MAIL.fullmatch(plain) is not None
    # One word alone is what many are called, and may be a word of the language.
    is_name = name in _NAMES and " " in plain and len(plain) >= _SHORTEST_NAME
    if is_address or is_name:
        yield plain
    elif name in _PHONES and sum(letter.isdigit() for letter in plain) >= _DIGITS_OF_A_PHONE:
        yield plain
        yield re.sub(r"[^0-9+]", "", plain)
    elif name in _STREETS and len(plain) >= _SHORTEST_STREET and any(letter.isdigit() for letter in plain):
        yield plain


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name)


def _escaped(word: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", word)
