"""Field by field: what Stripe says against what the mirror says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text

from app.database import db
from app.mirror import erased, raw
from app.mirror.door import Door
from app.mirror.fields import Obj, Row, when

HERE, THERE = "only here", "only at Stripe"


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is not the same. `field` is empty when the whole object is missing on one side; `local` says which."""

    kind: str
    id: str
    field: str
    local: Any
    remote: Any

    def __str__(self) -> str:
        what = f"{self.kind} {self.id}"
        if not self.field:
            return f"{what} is {self.local}"
        return f"{what}: {self.field} is {self.local!r} here and {self.remote!r} at Stripe"


def compare(kind: str, door: Door, objects: Sequence[Obj]) -> list[Drift]:
    """Differences between these objects, fresh from Stripe, and their rows. PostgreSQL knows when two values are one."""
    records = _without_persons(door, [_record(door, obj) for obj in objects], objects)
    if not records:
        return []
    names = [name for name in records[0] if name != door.key]
    found = db.session.execute(text(_query(door, names)), {"rows": orjson.dumps(records).decode()})
    return [drift for key, here, ours, theirs in found for drift in _drifts(kind, key, here, ours, theirs)]


def known_ids(door: Door, account_id: int, condition: str = "TRUE") -> set[str]:
    """Ids of all rows that should be at Stripe too."""
    query = f"SELECT {door.key} FROM {door.table.name} WHERE account_id = :account_id AND deleted_at IS NULL AND {condition}"
    return {key for key in db.session.execute(text(query), {"account_id": account_id}).scalars() if key is not None}


def is_known(door: Door, object_id: str) -> bool:
    """There is a row, and it does not say that the object is deleted."""
    query = f"SELECT 1 FROM {door.table.name} WHERE {door.key} = :id AND deleted_at IS NULL"
    return db.session.execute(text(query), {"id": object_id}).first() is not None


def missing_here(kind: str, object_id: str) -> Drift:
    return Drift(kind, object_id, "", THERE, None)


def missing_there(kind: str, object_id: str) -> Drift:
    return Drift(kind, object_id, "", HERE, None)


def _record(door: Door, obj: Obj) -> Row:
    obj, _ = raw.body_of(obj)
    return {
        **door.row(obj),
        door.key: obj["id"],
        "created_at": when(obj.get("created")),
        "metadata": obj.get("metadata"),
    }


def _without_persons(door: Door, records: list[Row], objects: Sequence[Obj]) -> list[Row]:
    """What Stripe still knows of an erased person, and the mirror does not any more, is no difference."""
    known = erased.among(record[name] for record in records for name in door.sql.kin)
    if not known:
        return records
    return [
        {name: value for name, value in (record | door.without_person(obj)).items() if name != "raw"}
        if erased.mark_of(record, door.sql.kin, known)
        else record
        for record, obj in zip(records, objects, strict=True)
    ]


def _query(door: Door, names: Sequence[str]) -> str:
    """Rows where anything differs, both sides as JSON; Stripe's values in the types of our columns."""
    columns = ", ".join(names)
    table, key = door.table.name, door.key
    return f"""
        WITH n AS (SELECT {key}, {columns} FROM json_populate_recordset(NULL::{table}, CAST(:rows AS json))),
             t AS (SELECT {key}, {columns} FROM {table} WHERE deleted_at IS NULL AND {key} IN (SELECT {key} FROM n))
        SELECT n.{key}, t.{key} IS NOT NULL, to_jsonb(t), to_jsonb(n)
        FROM n LEFT JOIN t ON t.{key} = n.{key} WHERE t IS DISTINCT FROM n ORDER BY n.{key}"""


def _drifts(kind: str, key: str, here: bool, ours: Row, theirs: Row) -> list[Drift]:
    if not here:
        return [missing_here(kind, key)]
    return [Drift(kind, key, name, ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]]
