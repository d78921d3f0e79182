"""The chain of the trail: every entry holds the hash of the one before, so that nothing can be changed unseen.

The rule is written out here a second time (the triggers of migrations 0002 and 0023 have the first): whoever can change the
database can change the trigger's function, but not this file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from app.database import db

BATCH = 5_000

# What may be about a person is in the chain as salted digests, so that the words can go and the chain stays; an entry of version 1
# hashed the words themselves, and where they are gone (`resealed`), what is left is vouched for by the erasure's own entry.
_ENTRIES = text("""
    SELECT entry.id, entry.previous_hash, entry.hash, entry.at, entry.version, entry.erasure_id, entry.action,
        CASE WHEN entry.version = 1 AND entry.erasure_id IS NOT NULL THEN sha256(entry.hash || rest)
            WHEN entry.version = 1 THEN sha256(entry.previous_hash || convert_to(jsonb_build_array(
                entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor_kind, entry.actor, entry.action,
                entry.object_type, entry.object_id, entry.account_id, entry.reason, entry.before, entry.after, entry.ip,
                entry.request_id)::text, 'UTF8'))
            ELSE sha256(entry.previous_hash || rest) END AS expected,
        -- Words that were taken out are really gone, and only an erasure takes words out.
        coalesce(pieces.are_blank, true) AND (entry.digests IS NULL) = (entry.erasure_id IS NULL) AS is_clean
    FROM audit_logs AS entry
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(said.field, CASE WHEN entry.digests ? said.field THEN entry.digests ->> said.field ELSE
                encode(sha256(convert_to(coalesce(entry.salts ->> said.field, encode(sha256(convert_to(
                    entry.salt::text || '\\:' || said.field, 'UTF8')), 'hex')) || '\\:' || said.words, 'UTF8')), 'hex') END)
                || coalesce(entry.digests, '{}') AS digests,
            bool_and(said.words IN ('null', 'erased')) FILTER (WHERE entry.digests ? said.field) AS are_blank
        FROM (SELECT plain.field, plain.words FROM (VALUES ('actor', entry.actor), ('object_id', entry.object_id),
                ('reason', entry.reason), ('ip', entry.ip)) AS plain (field, words) WHERE plain.words IS NOT NULL
            UNION ALL SELECT 'before.' || key, value::text FROM jsonb_each(entry.before)
            UNION ALL SELECT 'after.' || key, value::text FROM jsonb_each(entry.after)) AS said) AS pieces
    CROSS JOIN LATERAL (SELECT convert_to(jsonb_build_array(
        entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor_kind, entry.action, entry.object_type,
        entry.account_id, entry.request_id, entry.before IS NULL, entry.after IS NULL, pieces.digests)::text, 'UTF8') AS rest)
        AS rests
    WHERE entry.id > :after ORDER BY entry.id LIMIT :limit
""")
# What erasures wrote into the chain themselves: of which entries they took words, and what is left of those of version 1.
_ERASED = text("SELECT after FROM audit_logs WHERE action = 'customer.words_erased' ORDER BY id")
_ANEW = "the chain was written anew: the entry is not the one that was noted"
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
        if len(digest) != 64:  # noqa: PLR2004 - SHA-256 in hexadecimal digits
            raise ValueError("this is no head of the trail")
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
    version: int
    erasure_id: str | None
    is_clean: bool


# By entry: the erasure that took words out of it, and the seal of what is left.
Told = dict[int, tuple[str, str | None]]


def verify(*noted: Head | None) -> Broken | None:
    """Walk the whole chain. None means: every entry is there, unchanged, in order; with heads that were noted, the tail as well.

    Words that an erasure took out are no fault, as long as the erasure says so in the chain.
    """
    anchors = [head for head in noted if head is not None]
    hashes: dict[int, set[bytes]] = {}
    for anchor in anchors:
        hashes.setdefault(anchor.id, set()).add(anchor.hash)
    told = _told_by_erasures()
    expected_id, held = 1, 0
    previous: bytes = bytes(db.session.execute(_START).scalar_one())
    for entry in _entries():
        if fault := _fault(entry, expected_id, previous, told):
            return fault
        if entry.id in hashes:
            if hashes[entry.id] != {entry.hash}:
                return Broken(entry.id, f"{_ANEW}{f'; up to entry {held} it is' if held else ''}")
            held = entry.id
        expected_id, previous = entry.id + 1, entry.hash
    last = max(hashes, default=0)
    if last >= expected_id:
        return Broken(expected_id, f"the trail ends before entry {last}, which was there once")
    return None


def head() -> Head | None:
    """The last entry, None while there is none."""
    last = db.session.execute(text("SELECT id, hash FROM audit_logs ORDER BY id DESC LIMIT 1")).one_or_none()
    return Head(last.id, bytes(last.hash)) if last is not None else None


def erased() -> tuple[int, int]:
    """How many entries had words taken out, and by how many erasures."""
    told = _told_by_erasures()
    return len(told), len({erasure for erasure, _ in told.values()})


def _told_by_erasures() -> Told:
    told: Told = {}
    for after in db.session.execute(_ERASED).scalars():
        seals = after.get("entries") if isinstance(after, dict) else None
        if isinstance(seals, dict):
            told |= {
                int(number): (str(after.get("erasure")), seal) for number, seal in seals.items() if number.isdigit()
            }
    return told


def _fault(entry: _Entry, expected_id: int, previous: bytes, told: Told) -> Broken | None:
    if entry.id > expected_id:
        return Broken(expected_id, "the entry is missing")
    if entry.previous_hash != previous:
        return Broken(entry.id, "the entry does not follow the one before it")
    if entry.erasure_id is not None:
        return _erasure_fault(entry, told)
    if entry.hash != entry.expected or not entry.is_clean:
        return Broken(entry.id, "the entry was changed after it was written")
    return None


def _erasure_fault(entry: _Entry, told: Told) -> Broken | None:
    erasure, seal = told.get(entry.id, (None, None))
    if erasure != entry.erasure_id:
        return Broken(entry.id, "words are missing from it, and no erasure says that it took them")
    kept = seal == entry.expected.hex() if entry.version == 1 else entry.hash == entry.expected
    if not kept or not entry.is_clean:
        return Broken(entry.id, "the entry was changed after an erasure took words out of it")
    return None


def _entries() -> Iterator[_Entry]:
    """All entries in order, a batch at a time, so that a million of them fit into little memory."""
    after = -(2**63)
    while batch := db.session.execute(_ENTRIES, {"after": after, "limit": BATCH}).all():
        for row in batch:
            yield _Entry(
                row.id,
                bytes(row.previous_hash),
                bytes(row.hash),
                bytes(row.expected or b""),
                row.version,
                str(row.erasure_id) if row.erasure_id else None,
                row.is_clean,
            )
        after = batch[-1].id
