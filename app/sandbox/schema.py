"""The sandbox's own tables, in its own schema, made by numbered steps that run once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

HOT_FILTERS = (
    "customer",
    "payment_intent",
    "charge",
    "payment_method",
    "setup_intent",
    "payout",
    "source",
    "invoice",
    "subscription",
    "product",
    "price",
    "email",
    "status",
    "type",
    "currency",
)
"""Fields with a column and an index of their own; the rest of what lists filter by stands in `facets`."""

_NARROW = ("status", "type", "currency")

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE world (name text PRIMARY KEY, value text NOT NULL);
    CREATE TABLE objects (
        kind text NOT NULL,
        id text NOT NULL,
        created bigint NOT NULL,
        seq bigint GENERATED ALWAYS AS IDENTITY,
        deleted boolean NOT NULL DEFAULT false,
        {columns},
        facets jsonb,
        body text NOT NULL,
        PRIMARY KEY (kind, id)
    );
    CREATE INDEX objects_newest ON objects (kind, created DESC, seq DESC) WHERE NOT deleted;
    {indexes}
    CREATE TABLE deliveries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event text NOT NULL,
        endpoint text NOT NULL,
        state text NOT NULL DEFAULT 'waiting',
        attempts integer NOT NULL DEFAULT 0,
        due_at double precision NOT NULL DEFAULT 0,
        last_status integer,
        last_error text
    );
    CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE state = 'waiting';
    CREATE INDEX deliveries_event ON deliveries (event);
    CREATE TABLE timers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint NOT NULL, task text NOT NULL, args text NOT NULL
    );
    CREATE INDEX timers_at ON timers (at, id);
    CREATE TABLE idempotency (
        key text PRIMARY KEY,
        fingerprint text NOT NULL,
        request text NOT NULL,
        created bigint NOT NULL,
        status integer NOT NULL,
        body text NOT NULL
    );
    CREATE TABLE secrets (endpoint text NOT NULL, secret text NOT NULL, expires_at bigint);
    CREATE TABLE contents (file text PRIMARY KEY, data bytea NOT NULL);
    CREATE TABLE requests (id bigint PRIMARY KEY, entry text NOT NULL);
    """,
    """
    ALTER TABLE timers ADD COLUMN clock text;
    DROP INDEX timers_at;
    CREATE INDEX timers_world ON timers (at, id) WHERE clock IS NULL;
    CREATE INDEX timers_clock ON timers (clock, at, id) WHERE clock IS NOT NULL;
    """,
    """
    CREATE INDEX objects_unpaid ON objects (currency, status, seq) WHERE kind = 'balance_transaction' AND payout IS NULL;
    """,
)

TABLES = ("objects", "deliveries", "timers", "idempotency", "secrets", "contents", "requests")


def prepare(conn: Connection) -> None:
    """Bring schema `sandbox` up to date; several processes may call this at once."""
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('counterfoil.sandbox'))")
        cursor.execute("CREATE SCHEMA IF NOT EXISTS sandbox")
        cursor.execute("SET LOCAL search_path = sandbox")
        cursor.execute("CREATE TABLE IF NOT EXISTS steps (number integer PRIMARY KEY)")
        cursor.execute("SELECT coalesce(max(number), 0) FROM steps")
        row = cursor.fetchone()
        done = row[0] if row else 0
        for number, sql in enumerate(STEPS[done:], start=done + 1):
            cursor.execute(sql.format(columns=_columns(), indexes=_indexes()))
            cursor.execute("INSERT INTO steps VALUES (%s)", (number,))


@contextlib.contextmanager
def without_indexes(cursor: Cursor) -> Iterator[None]:
    """A great many objects are copied in while lists have no indexes, which are then built at one go.
    Until the transaction ends nobody else can read objects: only for a world that has none."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'sandbox' AND tablename = 'objects' AND indexname <> 'objects_pkey' ORDER BY indexname"
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f"DROP INDEX {name}")
    yield
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for _, definition in found:
        cursor.execute(definition)


def _columns() -> str:
    return ", ".join(f"{name} text" for name in HOT_FILTERS)


def _indexes() -> str:
    return "".join(
        f"CREATE INDEX objects_{name} ON objects ({name}, kind, created DESC, seq DESC) WHERE {name} IS NOT NULL;"
        for name in HOT_FILTERS
        if name not in _NARROW
    )
