"""One request is one PostgreSQL transaction: this is what handlers and timers work with."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extras import execute_values

from app.sandbox import codec, events, kinds, store
from app.sandbox.errors import no_such
from app.sandbox.params import Obj, Params

if TYPE_CHECKING:
    from app.sandbox.world import World

_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")


@dataclass
class About:
    """What is known of the request when its transaction starts; timers and the control plane leave most of it out."""

    params: Params = field(default_factory=dict)
    api_version: str | None = None
    idempotency_key: str | None = None
    request_id: str | None = None
    host: str = ""
    now: int | None = None


class Tx:
    """Reads see what was put before. Writes are gathered and sent together, in the order they were made."""

    def __init__(self, world: World, conn: Connection, about: About) -> None:
        self.world = world
        self.now = world.now if about.now is None else about.now
        self.api_version = about.api_version or world.default_version
        self.params = about.params
        self.expand: list[str] = []
        self.idempotency_key = about.idempotency_key
        self.request_id = about.request_id
        self.host = about.host
        self.cursor: Cursor = conn.cursor()
        self._rows: dict[tuple[str, str], tuple[store.Row, bool]] = {}
        self._deliveries: list[tuple[str, str]] = []
        self._timers: list[tuple[int, str, str, str | None]] = []
        self.clock: str | None = None
        self._world_now: int | None = None
        self.silent = False
        """Nobody is told of what happens from here on, nor can anybody read it up among the events."""
        self.changed_endpoints = False
        self._new_deliveries = False
        self._new_timers = False

    @property
    def world_now(self) -> int:
        """The world's time, also while `now` is a test clock's."""
        return self.now if self._world_now is None else self._world_now

    def enter_clock(self, clock_id: str, now: int) -> None:
        """From here on this request lives in the time of a test clock: what it makes, and what it does `later`."""
        if self.clock is None:
            self._world_now = self.now
        self.clock, self.now = clock_id, now

    @contextlib.contextmanager
    def outside(self) -> Iterator[None]:
        """Back in the world's time for a moment: the account's money knows no test clocks."""
        clock, now = self.clock, self.now
        if clock is None:
            yield
            return
        self.clock, self.now = None, self.world_now
        try:
            yield
        finally:
            self.clock, self.now = clock, now

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Try something out: whatever the block writes, plans or announces is as if it had never been."""
        self.flush()
        kept = (self.now, self.clock, self._world_now, self._new_deliveries, self._new_timers, self.changed_endpoints)
        self.cursor.execute("SAVEPOINT rehearsal")
        try:
            yield
        finally:
            self._rows, self._deliveries, self._timers = {}, [], []
            self.cursor.execute("ROLLBACK TO SAVEPOINT rehearsal")
            self.cursor.execute("RELEASE SAVEPOINT rehearsal")
            self.now, self.clock, self._world_now, self._new_deliveries, self._new_timers, self.changed_endpoints = kept

    def new_id(self, prefix: str, length: int = 24) -> str:
        return self.world.new_id(prefix, length)

    def get(self, kind: str, id: str, *, lock: bool = False) -> Obj | None:  # noqa: A002 - the contract's word
        """A fresh copy of one object, or None. `lock=True` makes others wait until this request ends."""
        pending = self._rows.get((kind, id))
        if pending is not None:
            return _object(pending[0][-1])
        body = store.read(self.cursor, kind, id, lock=lock)
        return None if body is None else _object(body)

    def require(self, kind: str, id: str, *, param: str | None = None, lock: bool = True) -> Obj:  # noqa: A002
        """The object, locked, or Stripe's resource_missing: 404 for an id in the path, 400 for one given as `param`."""
        found = self.get(kind, id, lock=lock)
        if found is None:
            about = kinds.KINDS.get(kind)
            raise no_such(
                kinds.label(kind),
                id,
                param=param or (about.id_param if about else "id"),
                status=400 if param else 404,
            )
        return found

    def put(self, obj: Obj) -> None:
        """Insert or replace; the kind is obj["object"]."""
        row = store.row_of(obj, codec.dumps(obj), now=self.now)
        self._rows[obj["object"], obj["id"]] = (row, "created" in obj)
        if obj["object"] == "webhook_endpoint":
            self.changed_endpoints = True

    def find(self, kind: str, *, limit: int = 1000, **where: str | int | bool) -> list[Obj]:
        """Objects whose fields have these values, newest first; deleted ones are not among them."""
        self.flush()
        conditions = [store.equals(name, value) for name, value in where.items()]
        sql = "".join(f" AND {condition}" for condition, _ in conditions)
        self.cursor.execute(
            f"SELECT body FROM objects WHERE kind = %s AND NOT deleted{sql} ORDER BY created DESC, seq DESC LIMIT %s",
            (kind, *(value for _, value in conditions), limit),
        )
        return [_object(body) for (body,) in self.cursor.fetchall()]

    def emit(self, type: str, obj: Obj, previous: Obj | None = None) -> Obj:  # noqa: A002 - Stripe's own word
        """Write an event that holds `obj` as it is now, and queue it for every endpoint that wants its type."""
        event, wanted = events.make(self, type, obj, previous)
        if self.silent:
            return event
        self.put(event)
        self.deliver(event["id"], wanted)
        return event

    def page(self, path: str) -> str:
        """The absolute address of one of our pages for people, under the name this request came in by."""
        named = self.host and not self.world.public and _HOST.fullmatch(self.host)
        return (f"http://{self.host}" if named else self.world.base_url) + path

    def deliver(self, event_id: str, endpoints: list[str]) -> None:
        """Queue an event for these endpoints (by id)."""
        self._deliveries.extend((event_id, endpoint) for endpoint in endpoints)

    def remove(self, kind: str, id: str) -> None:  # noqa: A002
        """Take an object out as if it had never been; what Stripe calls deleting keeps a `deleted: true` stub instead."""
        self.flush()
        store.remove(self.cursor, kind, id)
        if kind == "webhook_endpoint":
            self.changed_endpoints = True

    def later(self, at: int, task: str, **args: Any) -> None:
        """Run the registered task(tx, **args) when the world clock, or the test clock this request lives in, reaches `at`
        (Unix seconds)."""
        self._timers.append((at, task, codec.dumps(args), self.clock))

    def hold(self, what: str, which: str) -> None:
        """Make everybody else who holds the same two words wait until this request ends."""
        self.cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", (what, codec.column_text(which))
        )

    def flush(self) -> None:
        """Send the gathered writes. Called before every query that could see them, and at the end."""
        if self._rows:
            rows, self._rows = list(self._rows.values()), {}
            for dated in (True, False):
                some = [row for row, has_date in rows if has_date is dated]
                if some:
                    store.write(self.cursor, some, dated=dated)
        if self._deliveries:
            execute_values(self.cursor, "INSERT INTO deliveries (event, endpoint) VALUES %s", self._deliveries)
            self._deliveries = []
            self._new_deliveries = True
        if self._timers:
            execute_values(self.cursor, "INSERT INTO timers (at, task, args, clock) VALUES %s", self._timers)
            self._timers = []
            self._new_timers = True

    def after_commit(self) -> None:
        if self.changed_endpoints:
            self.world.forget_endpoints()
        if self._new_deliveries:
            self.world.on_deliveries()
        if self._new_timers:
            self.world.on_timers()


def _object(body: str) -> Obj:
    loaded: Obj = codec.loads(body)
    return loaded
