"""The one door into the mirror: a batch upsert that ignores what is older than what we know."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import orjson
from sqlalchemy import Table, text

from app.database import Base, Prepared, db
from app.mirror import erased, raw
from app.mirror.door_sql import Statements
from app.mirror.fields import Obj, Row, when
from app.mirror.news import News
from app.mirror.stripped import stripped

# Nothing follows a deletion.
DELETED = 99


@dataclass(slots=True)
class Saved:
    """Ids of what was written, of what was no news, and of what only another look at Stripe can decide.

    An id may be both applied and doubtful: what came was newer, but cut short.
    """

    applied: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)

    def __iadd__(self, other: "Saved") -> Self:
        self.applied += other.applied
        self.older += other.older
        self.doubtful += other.doubtful
        return self


class Door:
    """The door of one table.

    `row` gives the columns of one object, `rank` how far along its life it is. `ours` are columns that Stripe knows nothing of:
    they are never written here.
    """

    def __init__(
        self,
        model: type[Base],
        row: Callable[[Obj], Row],
        rank: Callable[[Obj], int],
        *,
        key: str = "id",
        ours: Iterable[str] = (),
    ) -> None:
        self.model = model
        self.row = row
        self.rank = rank
        self.key = key
        self.table: Table = model.metadata.tables[model.__tablename__]
        self.sql = Statements(self.table, key, frozenset(ours))
        # Where every column may be empty, a deleted object that was never seen still gets a row, which keeps older news out.
        self.stubs = all(self.table.c[name].nullable for name in row({}))

    def save(self, objects: Sequence[Obj], news: News | Sequence[News], *, decided: bool = False) -> Saved:
        """Write what is news, in the transaction that is open; nothing is committed.

        `news` is for all objects, or one for each. `decided`: the parent was news, so these are, whatever they say themselves.
        """
        saved = Saved()
        for by_read, batch in _batches(objects, news):
            full = [pair for pair in batch if not _is_bare(pair[0])]
            if full:
                saved += self._save_full(full, by_read=by_read, decided=decided)
            for obj, heard in sorted((pair for pair in batch if _is_bare(pair[0])), key=_by_id):
                saved += self._save_deleted(obj, heard)
        return saved

    def gone(self, object_id: str, news: News) -> Saved:
        """Stripe does not know this object any more: mark it, keep the rest. A row that we never had is not made."""
        values = {"id": object_id, "seen_at": news.seen_at, "heard_at": news.heard_at, "by_read": news.by_read}
        found = db.session.execute(text(self.sql.gone), values).scalar()
        return Saved(applied=[object_id]) if found else Saved(older=[object_id])

    def _save_full(self, batch: "list[tuple[Obj, News]]", *, by_read: bool, decided: bool) -> Saved:
        rows, doubtful = self._collapse([self._record(obj, news) for obj, news in batch])
        statement = self.sql.decided if decided else self.sql.upsert
        applied = self._write(statement, rows, by_read=by_read)
        left = [row for row in rows if row[self.key] not in applied]
        if left and (gone := self._stripped(left)):
            statement = self.sql.decided_stripped if decided else self.sql.upsert_stripped
            applied |= self._write(statement, list(gone.values()), by_read=by_read)
            left = [gone.get(row[self.key], row) for row in left if row[self.key] not in applied]
        return self._judge(left, doubtful, applied)

    def _write(self, statement: Prepared, rows: list[Row], *, by_read: bool) -> set[str]:
        values: Row = {"rows": orjson.dumps(rows).decode(), "by_read": by_read}
        return set(statement.execute(values).scalars())

    def _stripped(self, rows: list[Row]) -> dict[str, Row]:
        """Those of the rows that are an erased person's, without the person; their own ids are recognised from now on."""
        known = erased.among(row[name] for row in rows for name in self.sql.kin)
        found = {}
        for row in rows:
            if mark := erased.mark_of(row, self.sql.kin, known):
                erased.add([row[self.key]], mark, row["account_id"])
                found[row[self.key]] = row | self.without_person(raw.unpack(bytes.fromhex(row["raw"][2:])))
        return found

    def without_person(self, obj: Obj) -> Row:
        """The columns that come of the object's content, after the person is taken out of it."""
        obj = stripped(obj)
        return {
            **self.row(obj),
            "metadata": obj.get("metadata"),
            "raw": "\\x" + raw.pack(raw.body_of(obj)[1]).hex(),
        }

    def _record(self, obj: Obj, news: News) -> Row:
        obj, body = raw.body_of(obj)
        deleted = obj.get("deleted") is True
        return {
            **self.row(obj),
            self.key: obj["id"],
            "account_id": news.account_id,
            "created_at": when(obj.get("created")),
            "metadata": obj.get("metadata"),
            "raw": "\\x" + raw.pack(body).hex(),
            "api_version": news.api_version,
            "seen_at": news.seen_at,
            "heard_at": news.heard_at,
            "rank": DELETED if deleted else self.rank(obj),
            "deleted_at": news.seen_at if deleted else None,
        }

    def _collapse(self, rows: list[Row]) -> tuple[list[Row], set[str]]:
        """One row per id, in the order of ids so that two batches never wait for each other in a circle."""
        best: dict[str, Row] = {}
        doubtful = set()
        for row in rows:
            other = best.setdefault(row[self.key], row)
            if other is row:
                continue
            if _age(other) < _age(row):
                best[row[self.key]] = row
            elif _age(other) == _age(row) and other["raw"] != row["raw"]:
                doubtful.add(row[self.key])
        return [best[key] for key in sorted(best)], doubtful

    def _judge(self, left: list[Row], doubtful: set[str], applied: set[str]) -> Saved:
        """Of what was not written: is it older, or of the same second with another content?"""
        if left:
            known = {
                row.key: row for row in db.session.execute(text(self.sql.known), {"ids": [r[self.key] for r in left]})
            }
            doubtful |= {
                row[self.key] for row in left if row[self.key] in known and _in_doubt(row, known[row[self.key]])
            }
        older = [row[self.key] for row in left if row[self.key] not in doubtful]
        return Saved(applied=sorted(applied), older=older, doubtful=sorted(doubtful))

    def _save_deleted(self, obj: Obj, news: News) -> Saved:
        saved = self.gone(obj["id"], news)
        known = saved.applied or db.session.execute(text(self.sql.known), {"ids": [obj["id"]]}).first()
        if known or not self.stubs:
            return saved
        return self._save_full([(obj, news)], by_read=news.by_read, decided=False)


def _batches(objects: Sequence[Obj], news: News | Sequence[News]) -> "list[tuple[bool, list[tuple[Obj, News]]]]":
    """Objects with their news; reads apart from events, because another rule holds for them."""
    each = [news] * len(objects) if isinstance(news, News) else news
    pairs = list(zip(objects, each, strict=True))
    split = [(by_read, [pair for pair in pairs if pair[1].by_read is by_read]) for by_read in (False, True)]
    return [(by_read, batch) for by_read, batch in split if batch]


def _is_bare(obj: Obj) -> bool:
    """All that Stripe says of a deleted object: `{"id", "object", "deleted": true}`. An event still brings the whole object."""
    return obj.get("deleted") is True and "created" not in obj


def _by_id(pair: "tuple[Obj, News]") -> str:
    return str(pair[0]["id"])


def _age(row: Row) -> tuple[datetime, int]:
    return row["seen_at"], row["rank"]


def _in_doubt(row: Row, known: Any) -> bool:
    if (known.seen_at, known.rank) != (row["seen_at"], row["rank"]):
        return False
    packed = bytes.fromhex(row["raw"][2:])
    return known.raw is None or (bytes(known.raw) != packed and raw.unpack(known.raw) != raw.unpack(packed))
