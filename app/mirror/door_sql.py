"""The statements of one door, written once per table."""

from sqlalchemy import Table

from app.database import Prepared
from app.mirror.erased import kin_of

# A read that began later is right whatever the seconds say. An event must be of a later second, or of the same second and further
# along a life that has one direction.
_NEWER = """(:by_read AND t.heard_at <= {new}heard_at)
    OR {new}seen_at > t.seen_at
    OR ({new}seen_at = t.seen_at AND {new}rank > t.rank)"""

# Never backwards: a read says "at least as new as this second", an event before it may have said more.
_GROWING = ("seen_at", "heard_at")


class Statements:
    """`upsert` and `decided` take :rows (a JSON array of records, sorted by key) and :by_read, and return the keys they wrote.

    They pass over what is an erased person's: that is asked in the statement itself, so nobody else waits for an answer.
    `upsert_stripped` and `decided_stripped` write those too, and are given them without the person.

    One parse of one JSON text is several times cheaper than thousands of bound values, and the statement never changes.
    """

    def __init__(self, table: Table, key: str, ours: frozenset[str]) -> None:
        columns = [column.name for column in table.columns if column.name not in ours]
        names = ", ".join(columns)
        insert = (
            f"INSERT INTO {table.name} AS t ({names}) SELECT {names} "
            f"FROM json_populate_recordset(NULL::{table.name}, :rows) AS said WHERE {{which}} "
            f"ON CONFLICT ({key}) DO UPDATE SET {_assignments(columns, key)}"
        )
        self.kin = kin_of(table, key, ours)
        theirs = ", ".join(f"said.{name}" for name in self.kin)
        others = insert.format(
            which=f"NOT EXISTS (SELECT FROM erased_objects AS gone WHERE gone.id = ANY (ARRAY[{theirs}]))"
        )
        every = insert.format(which="TRUE")
        upsert = f" WHERE {_NEWER.format(new='excluded.')} RETURNING t.{key}"
        decided = f" WHERE :by_read IS NOT NULL RETURNING t.{key}"
        types = {"rows": "json", "by_read": "boolean"}
        self.upsert = Prepared(f"upsert_{table.name}", others + upsert, **types)
        self.decided = Prepared(f"decided_{table.name}", others + decided, **types)
        self.upsert_stripped = Prepared(f"upsert_stripped_{table.name}", every + upsert, **types)
        self.decided_stripped = Prepared(f"decided_stripped_{table.name}", every + decided, **types)
        self.known = f"SELECT {key} AS key, seen_at, rank, raw FROM {table.name} WHERE {key} = ANY(:ids)"
        self.gone = (
            f"UPDATE {table.name} AS t SET deleted_at = :seen_at, seen_at = greatest(t.seen_at, :seen_at), "
            f"heard_at = greatest(t.heard_at, :heard_at), rank = 99 "
            f"WHERE {key} = :id AND deleted_at IS NULL AND ("
            f"{_NEWER.format(new=':').replace(':seen_at = t.seen_at AND :rank > t.rank', ':seen_at = t.seen_at')}) RETURNING {key}"
        )


def _assignments(columns: list[str], key: str) -> str:
    plain = [f"{name} = excluded.{name}" for name in columns if name != key and name not in _GROWING]
    growing = [f"{name} = greatest(t.{name}, excluded.{name})" for name in _GROWING]
    return ", ".join(plain + growing)
