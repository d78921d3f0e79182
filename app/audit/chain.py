"""The chain of the trail: every entry holds the hash of the one before, so that nothing can be changed unseen.

The rule is written out here a second time (the trigger in migration 0002 has the first): whoever can change the database can
change the trigger's function, but not this file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from app.database import db

BATCH = 5_000

_ENTRIES = text("""
    SELECT id, previous_hash, hash, sha256(previous_hash || convert_to(jsonb_build_array(
        id, (extract(epoch FROM at) * 1000000)::bigint, actor_kind, actor, action,
        object_type, object_id, account_id, reason, before, after, ip,
        request_id)::text, 'UTF8')) AS expected
    FROM audit_logs WHERE id > :after ORDER BY id LIMIT :limit
""")
_START = text("SELECT sha256(''::bytea)")


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry. Kept somewhere else, it proves later that nothing was cut off behind it."""

    id: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.id}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Raises ValueError for what `str()` did not write."""
        number, _, digest = text.strip().partition(":")
        return cls(int(number), bytes.fromhex(digest))


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that is not what it was, and how that shows."""

    id: int
    why: str


@dataclass(frozen=True, slots=True)
class _Entry:
    id: int
    previous_hash: bytes
    hash: bytes
    expected: bytes


def verify(anchor: Head | None = None) -> Broken | None:
    """Walk the whole chain. None means: every entry is there, unchanged, in order; with an anchor, the tail as well."""
    expected_id = 1
    previous: bytes = bytes(db.session.execute(_START).scalar_one())
    anchored: bytes | None = None
    for entry in _entries():
        if fault := _fault(entry, expected_id, previous):
            return fault
        if anchor is not None and entry.id == anchor.id:
            anchored = entry.hash
        expected_id, previous = entry.id + 1, entry.hash
    if anchor is not None and anchored is None:
        return Broken(expected_id, f"the trail ends before entry {anchor.id}, which was there once")
    if anchor is not None and anchored != anchor.hash:
        return Broken(anchor.id, "the chain was written anew: the entry is not the one that was noted")
    return None


def head() -> Head | None:
    """The last entry, None while there is none."""
    last = db.session.execute(text("SELECT id, hash FROM audit_logs ORDER BY id DESC LIMIT 1")).one_or_none()
    return Head(last.id, bytes(last.hash)) if last is not None else None


def _fault(entry: _Entry, expected_id: int, previous: bytes) -> Broken | None:
    if entry.id > expected_id:
        return Broken(expected_id, "the entry is missing")
    if entry.previous_hash != previous:
        return Broken(entry.id, "the entry does not follow the one before it")
    if entry.hash != entry.expected:
        return Broken(entry.id, "the entry was changed after it was written")
    return None


def _entries() -> Iterator[_Entry]:
    """All entries in order, a batch at a time, so that a million of them fit into little memory."""
    after = -(2**63)
    while batch := db.session.execute(_ENTRIES, {"after": after, "limit": BATCH}).all():
        for row in batch:
            yield _Entry(row.id, bytes(row.previous_hash), bytes(row.hash), bytes(row.expected))
        after = batch[-1].id
