"""Which pieces of which entries of the audit trail are about a person."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, or_, select, text

from app.actor import Actor
from app.audit import erasing
from app.customers.erasing import words as telling
from app.customers.erasing.rows import BATCH
from app.database import db
from app.models.audit_log import AuditLog

# They say themselves that a person was erased, in words of ours.
_OURS = frozenset({"customer.erase_begun", "customer.erased", "customer.exported", erasing.ACTION})
# What may stay of an entry about the person's things: sums, instants, ids, and our own words about states.
_PLAIN = re.compile(
    r"-?[\d.,\s]+ [A-Z]{3}"
    r"|(?:ch|py|pi|pm|cus|seti|sub|si|in|cn|re|dp|du|prv|issfr|txn|po|mandate|price|prod|evt|file|rsli)_[A-Za-z0-9]{8,255}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d(?:T[\d:.+Z-]+)?|\d{1,18}"
)
_CODES = frozenset(
    {"status", "state", "act", "reason_code", "currency", "needed", "with", "round", "version", "reason"}
)
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,60}")
# Who of the staff did what, and what it was, as long as none of the person's words stands in it.
_SENTENCES = frozenset({"what", "asked_by", "invited_by", "about"})


def take_out(  # noqa: PLR0913 - what to look for, from where on, and in whose name
    ids: Sequence[str], own: Sequence[str], after: int, *, erasure_id: UUID, account_id: int, actor: Actor
) -> tuple[int, int | None]:
    """A batch of entries; how many lost words, and the number of the last that was looked at, None at the end.

    Raises:
        IntegrityError: an entry is not what was once written.
    """
    entries = _batch(ids, own, after)
    found = telling.finder(own)
    theirs = frozenset(ids)
    gone = {entry.id: fields for entry in entries if (fields := [*_personal(entry, found, theirs)])}
    erasing.take_out(gone, erasure_id=erasure_id, account_id=account_id, actor=actor)
    return len(gone), entries[-1].id if len(entries) == BATCH else None


def _batch(ids: Sequence[str], own: Sequence[str], after: int) -> Sequence[Row[Any]]:
    entry = AuditLog
    named = " OR ".join(
        f"{name}::text ILIKE ANY(:patterns)" for name in ("actor", "object_id", "reason", "before", "after")
    )
    about = entry.object_id.in_(ids)
    which = or_(about, text(f"({named})")) if own else about
    columns = (
        entry.id,
        entry.action,
        entry.actor,
        entry.actor_kind,
        entry.object_id,
        entry.reason,
        entry.before,
        entry.after,
    )
    asked = (
        select(*columns).where(entry.id > after, entry.action != erasing.ACTION, which).order_by(entry.id).limit(BATCH)
    )
    return db.session.execute(asked, {"patterns": telling.patterns(own)} if own else {}).all()


def _personal(entry: Row[Any], found: re.Pattern[str], theirs: frozenset[str]) -> Iterator[str]:
    """The names of the pieces that have to go."""
    is_theirs = entry.object_id in theirs
    whole = is_theirs and entry.action not in _OURS
    if found.search(entry.object_id):
        yield "object_id"
    if found.search(entry.actor) or (entry.actor_kind == "customer" and is_theirs):
        yield "actor"
    if entry.reason is not None and (whole or found.search(entry.reason)):
        yield "reason"
    for side, fields in (("before", entry.before), ("after", entry.after)):
        for name, value in (fields or {}).items():
            if value is not None and (_holds(value, found) or (whole and not _is_plain(name, value, theirs))):
                yield f"{side}.{name}"


def _holds(value: Any, found: re.Pattern[str]) -> bool:
    return bool(telling.without(value, found) != value)


def _is_plain(name: str, value: Any, ids: frozenset[str]) -> bool:
    if value is None or isinstance(value, (bool, int, float)):
        return True
    if isinstance(value, dict):
        return all(_is_plain(key, inner, ids) for key, inner in value.items())
    if isinstance(value, list):
        return all(_is_plain(name, inner, ids) for inner in value)
    text_of = str(value)
    if text_of in ids or name in _SENTENCES or (name in _CODES and _CODE.fullmatch(text_of)):
        return True
    return _PLAIN.fullmatch(text_of) is not None


def also_about(ids: Collection[str]) -> list[str]:
    """Numbers of our own things that are about the person: letters, requests, promises. The trail names them as well."""
    asked = text("""
        SELECT id::text FROM mails WHERE customer_id = ANY(:ids) OR about_id = ANY(:ids)
        UNION SELECT id::text FROM approvals WHERE object_id = ANY(:ids) AND act <> 'customer.erase'
        UNION SELECT id::text FROM acts WHERE object_id = ANY(:ids)
    """)
    return list(db.session.execute(asked, {"ids": sorted(ids)}).scalars())
