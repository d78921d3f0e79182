"""What a try changed in our copy: the names of the columns that differ."""

from typing import Any

from sqlalchemy import select

from app.database import db
from app.mirror.kinds import KINDS

# When news was heard says nothing about the object; the whole object is said by its columns.
_BESIDE = frozenset({"raw", "heard_at", "seen_at", "rank"})
Copy = dict[str, Any]


def copy_of(kind: str | None, object_id: str | None) -> Copy | None:
    """Our row of this object as it is now in the database, or None when there is none."""
    if kind not in KINDS or object_id is None:
        return None
    door = KINDS[kind].door
    found = db.session.execute(select(door.table).where(door.table.c[door.key] == object_id)).mappings().first()
    return dict(found) if found else None


def differing(before: Copy | None, after: Copy | None) -> list[str]:
    """The columns whose value is another; all that are filled, where the row is new."""
    names = (after or before or {}).keys() - _BESIDE
    return sorted(name for name in names if (before or {}).get(name) != (after or {}).get(name))
