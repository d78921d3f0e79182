"""What the whole sandbox shares: the database, the clock, the ids, the webhook endpoints and who waits for what."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2

from app.sandbox import codec, schema
from app.sandbox.errors import StripeError
from app.sandbox.pool import Pool
from app.sandbox.tx import About, Tx

DEFAULT_VERSION = "2026-08-26.dahlia"
NEWEST_VERSION = "2026-10-28.endive"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class World:
    """One account's world. `settings` is small, kept in memory and written through to the table `world`.

    `base_url` is where its pages are served; a server that listens elsewhere sets it."""

    base_url = os.environ.get("SANDBOX_PUBLIC_URL") or f"http://127.0.0.1:{os.environ.get('SANDBOX_PORT', '12111')}"
    public = False
    """Was `base_url` given by whoever started the server? Then it counts even if requests come in by another name."""

    def __init__(self, dsn: str, *, durable: bool = False, seed: int | None = None) -> None:
        self.pool = Pool(dsn.replace("postgresql+psycopg2://", "postgresql://", 1), durable=durable)
        self.generation = 0
        self.on_deliveries: Callable[[], None] = lambda: None
        self.on_timers: Callable[[], None] = lambda: None
        self._endpoints: list[dict[str, Any]] | None = None
        self._endpoints_version = 0
        self._ids = 0
        self._id_lock = threading.Lock()
        conn = self.pool.open()
        try:
            schema.prepare(conn)
        finally:
            conn.close()
        self.settings: dict[str, Any] = self._load()
        if seed is not None:
            self.settings["seed"] = seed
        if "seed" in self.settings:  # a restart goes on with other ids than those it gave before
            self.remember("boots", self.settings.get("boots", 0) + 1)

    @property
    def now(self) -> int:
        """The world clock in Unix seconds: the real one plus what was advanced, or a frozen second."""
        frozen = self.settings.get("frozen_at")
        return int(frozen) if frozen is not None else int(time.time()) + int(self.settings.get("offset", 0))

    @property
    def default_version(self) -> str:
        return str(self.settings.get("default_version", DEFAULT_VERSION))

    def new_id(self, prefix: str, length: int = 24) -> str:
        """`ch_` and 24 letters or digits; the same sequence again when the world was seeded."""
        seed = self.settings.get("seed")
        if seed is None:
            return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))
        with self._id_lock:
            self._ids += 1
            text = f"{seed}:{self.settings.get('boots')}:{self._ids}:{prefix}"
        number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
        letters = []
        for _ in range(length):
            number, rest = divmod(number, 62)
            letters.append(_ALPHABET[rest])
        return prefix + "".join(letters)

    @contextlib.contextmanager
    def transaction(self, about: About | None = None) -> Iterator[Tx]:
        """One request's reading and writing; wakes deliveries and timers after the commit.

        What began before a reset must not write into the new world: StripeError 503 instead.
        """
        generation = self.generation
        with self.pool.connection() as conn:
            tx = Tx(self, conn, about or About())
            yield tx
            tx.flush()
            if generation != self.generation:
                raise StripeError("The sandbox was reset meanwhile.", status=503, type="api_error")
        tx.after_commit()

    def endpoints(self, tx: Tx) -> list[dict[str, Any]]:
        """Webhook endpoints that are switched on; kept in memory, every emitted event asks."""
        known = self._endpoints
        if known is None or tx.changed_endpoints:
            version = self._endpoints_version
            known = [found for found in tx.find("webhook_endpoint") if found["status"] == "enabled"]
            if version == self._endpoints_version and not tx.changed_endpoints:
                self._endpoints = known
        return known

    def forget_endpoints(self) -> None:
        self._endpoints_version += 1
        self._endpoints = None

    def remember(self, name: str, value: Any) -> None:
        """Change one setting, in memory and on disk; None removes it."""
        with self.pool.connection() as conn, conn.cursor() as cursor:
            if value is None:
                self.settings.pop(name, None)
                cursor.execute("DELETE FROM world WHERE name = %s", (name,))
            else:
                self.settings[name] = value
                cursor.execute(
                    "INSERT INTO world VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
                    (name, codec.dumps(value)),
                )

    def reset(self, *, seed: int | None = None) -> None:
        """Empty the world: no objects, no settings, the clock back on real time."""
        self.generation += 1
        with self.pool.connection() as conn, conn.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM (SELECT 1 FROM objects LIMIT 3000) first")
            row = cursor.fetchone()
            if row is not None and row[0] >= 3000:
                cursor.execute("TRUNCATE objects, deliveries")
            tables = (*schema.TABLES, "world")  # new files for a dozen indexes cost more than deleting a few rows
            cursor.execute(";".join(f"DELETE FROM {table}" for table in tables))
        self.settings = {} if seed is None else {"seed": seed, "boots": 0}
        self.generation += 1  # what began since the first line has seen the old clock
        self._ids = 0
        self.forget_endpoints()
        if seed is not None:
            self.remember("seed", seed)

    def _load(self) -> dict[str, Any]:
        with self.pool.connection() as conn, conn.cursor() as cursor:
            cursor.execute("SELECT name, value FROM world")
            return {name: codec.loads(value) for name, value in cursor.fetchall()}


LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)
"""What psycopg2 raises when the database went away."""
