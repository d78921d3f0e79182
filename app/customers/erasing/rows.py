"""Rows of one table at a time, a batch in a transaction. What was done already is found done: any of it may be done twice."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import or_, select, text, update

from app.customers.erasing import words as telling
from app.customers.erasing.tables import MIRRORED, SWEPT, About
from app.database import Base, db
from app.mirror import erased, raw
from app.mirror.door import Door
from app.mirror.stripped import stripped_event
from app.models.block_list_item import BlockListItem
from app.models.webhook_event import WebhookEvent

BATCH = 200


def closure(ids: Sequence[str], account_id: int) -> set[str]:
    """These ids, and those of all that names them: lines of the ledger, warnings, what pays an invoice …"""
    known, fresh = set(ids), set(ids)
    while fresh:
        found: set[str] = set()
        for door in MIRRORED.values():
            found |= _naming(door, fresh, account_id)
        fresh = found - known
        known |= fresh
    return known


def objects(ids: Sequence[str]) -> Iterator[Any]:
    """The objects of Stripe with these ids, as far as they are kept."""
    for door in MIRRORED.values():
        packed = db.session.execute(
            text(f"SELECT raw FROM {door.table.name} WHERE {door.key} = ANY(:ids)"), {"ids": ids}
        )
        yield from (raw.unpack(bytes(body)) for body in packed.scalars() if body)


def strip(door: Door, keys: Sequence[str]) -> int:
    """Take the person out of these rows of the mirror. How many changed."""
    named = text(
        f"SELECT {door.key} AS key, raw FROM {door.table.name} WHERE {door.key} = ANY(:keys) ORDER BY 1 FOR UPDATE"
    )
    said = [
        {door.key: row.key, **door.without_person(raw.unpack(bytes(row.raw)))}
        for row in db.session.execute(named, {"keys": list(keys)})
        if row.raw
    ]
    if not said:
        return 0
    columns = [name for name in said[0] if name != door.key]
    old, new = (", ".join(f"{side}.{name}" for name in columns) for side in ("t", "said"))
    changed = db.session.execute(
        text(
            f"UPDATE {door.table.name} AS t SET ({', '.join(columns)}) = ROW ({new}) "
            f"FROM json_populate_recordset(NULL::{door.table.name}, CAST(:rows AS json)) AS said "
            f"WHERE t.{door.key} = said.{door.key} AND ({old}) IS DISTINCT FROM ({new})"
        ),
        {"rows": orjson.dumps(said).decode()},
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]


def strip_events(ids: Sequence[str], after: str) -> tuple[int, str | None]:
    """A batch of the events that are about these; how many changed, and the last id, None at the end."""
    event = WebhookEvent
    about = or_(event.customer_id.in_(ids), event.object_id.in_(ids))
    batch = (
        select(event.id, event.body).where(about, event.id > after).order_by(event.id).limit(BATCH).with_for_update()
    )
    found = db.session.execute(batch).all()
    changed = 0
    for key, body in found:
        said = raw.unpack(body)
        if (kept := stripped_event(said)) != said:
            packed = raw.pack(orjson.dumps(kept))
            db.session.execute(update(event).where(event.id == key).values(body=packed))
            changed += 1
    return changed, found[-1].id if len(found) == BATCH else None


def clear(part: About, values: Mapping[str, Any]) -> int:
    """A batch of rows about the person's things; how many changed."""
    table = Base.metadata.tables[part.table]
    keys = ", ".join(column.name for column in table.primary_key)
    which = f"({part.refers})"
    if part.sets:
        old, new = ", ".join(f"t.{name}" for name in part.sets), ", ".join(part.sets.values())
        which += f" AND ({old}) IS DISTINCT FROM ({new})"
        act = f"UPDATE {part.table} AS t SET " + ", ".join(f"{name} = {value}" for name, value in part.sets.items())
    else:
        act = f"DELETE FROM {part.table} AS t"
    batch = f"SELECT {keys} FROM {part.table} AS t WHERE {which} LIMIT {BATCH}"
    done = db.session.execute(text(f"{act} WHERE ({keys}) IN ({batch})"), dict(values))
    return int(done.rowcount)  # type: ignore[attr-defined]


def sweep(name: str, own: Sequence[str]) -> int:
    """A batch of rows of this table in whose free text one of the words stands; how many there were."""
    if not own:
        return 0
    table, columns = Base.metadata.tables[name], SWEPT[name]
    found = telling.finder(own)
    either = " OR ".join(f"{column}::text ILIKE ANY(:patterns)" for column in columns)
    batch = select(*table.primary_key, *(table.c[column] for column in columns)).where(text(either)).limit(BATCH)
    lines = db.session.execute(batch.with_for_update(), {"patterns": telling.patterns(own)}).mappings().all()
    changed = 0
    for line in lines:
        values = {column: telling.without(line[column], found) for column in columns if line[column] is not None}
        if values != {column: line[column] for column in values}:
            this = [column == line[column.name] for column in table.primary_key]
            db.session.execute(update(table).where(*this).values(values))
            changed += 1
    return changed


def keep_out_of_lists(mails: Sequence[str], mark: erased.Mark, account_id: int) -> list[str]:
    """Items of the block lists that hold the person's address are recognised when the lists are read again."""
    held = select(BlockListItem.id).where(BlockListItem.item_type == "email", BlockListItem.value.in_(mails))
    return erased.add(db.session.scalars(held).all(), mark, account_id)


def _naming(door: Door, ids: set[str], account_id: int) -> set[str]:
    table, found = door.table, set()
    own = [table.c[door.key]] + ([table.c["id"]] if door.key != "id" else [])
    # One question for each column, so that each has its own index.
    for name in door.sql.kin + (
        [] if "customer_id" in door.sql.kin or "customer_id" not in table.c else ["customer_id"]
    ):
        asked = select(*own).where(table.c[name].in_(sorted(ids)), table.c.account_id == account_id)
        for row in db.session.execute(asked):
            found |= {str(key) for key in row if key is not None}
    return found
