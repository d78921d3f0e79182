"""The log of requests: kept in memory for reading, written behind so that it outlives the process."""

from __future__ import annotations

import collections
import copy
import logging
import threading
import time
from typing import Any

from psycopg2.extras import execute_values

from app.sandbox import codec
from app.sandbox.errors import StripeError
from app.sandbox.params import Upload
from app.sandbox.world import LOST, World

log = logging.getLogger(__name__)

KEPT = 200_000
Entry = dict[str, Any]


class Journal:
    """What was asked and answered, oldest first. An entry stands there from the moment the request arrives, with
    status None until it is answered (0: the connection was reset without a reply)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._entries: collections.deque[Entry] = collections.deque(maxlen=KEPT)
        self._unwritten: list[Entry] = []
        self._bell = threading.Event()
        with world.transaction() as tx:
            tx.cursor.execute("SELECT entry FROM requests ORDER BY id DESC LIMIT %s", (KEPT,))
            self._entries.extendleft(codec.loads(entry) for (entry,) in tx.cursor.fetchall())
        self._last = self._entries[-1]["id"] if self._entries else 0

    def start(self) -> None:
        threading.Thread(target=self._write_behind, name="journal", daemon=True).start()

    def open(self, method: str, path: str, params: dict[str, Any]) -> Entry:
        entry: Entry = {
            "id": 0,
            "time": time.time(),
            "method": method,
            "path": path,
            "params": _shown(params),
            "idempotency_key": None,
            "status": None,
            "request_id": None,
            "api_version": None,
            "replayed": False,
            "fault": None,
            "ms": None,
        }
        with self._lock:
            self._last += 1
            entry["id"] = self._last
            self._entries.append(entry)
        return entry

    def close(self, entry: Entry, status: int) -> None:
        entry["ms"] = round((time.time() - entry["time"]) * 1000, 1)
        entry["status"] = status
        with self._lock:
            self._unwritten.append(entry)
        self._bell.set()

    def entries(self, *, method: str | None, path: str | None, since: int) -> list[Entry]:
        """Entries after number `since` whose path starts with `path`."""
        with self._lock:
            return [
                copy.copy(one)
                for one in self._entries
                if one["id"] > since
                and (method is None or one["method"] == method)
                and (path is None or one["path"].startswith(path))
            ]

    def clear(self) -> None:
        """Forget everything in memory and on disk."""
        with self._lock:
            self._entries.clear()
            self._unwritten.clear()
        with self._world.transaction() as tx:
            tx.cursor.execute("DELETE FROM requests")

    def _write_behind(self) -> None:
        while True:
            self._bell.wait()
            time.sleep(0.1)
            self._bell.clear()
            with self._lock:
                batch, self._unwritten = self._unwritten, []
            try:
                self._write(batch)
            except StripeError as gone:  # a reset: what was to be written belongs to a world that is no more
                log.info("journal: %s", gone.message)
            except LOST:
                self._world.pool.forget_idle()
                with self._lock:
                    self._unwritten = batch + self._unwritten
                self._bell.set()

    def _write(self, batch: list[Entry]) -> None:
        if batch:
            with self._world.transaction() as tx:
                rows = [(one["id"], codec.dumps(one)) for one in batch]
                execute_values(tx.cursor, "INSERT INTO requests VALUES %s ON CONFLICT DO NOTHING", rows, page_size=500)
                tx.cursor.execute("DELETE FROM requests WHERE id <= %s", (batch[-1]["id"] - KEPT,))


def _shown(value: Any) -> Any:
    """Parameters as the log shows them: card numbers by their last four digits, files by name and size."""
    if isinstance(value, dict):
        return {
            name: f"…{below[-4:]}" if name in ("number", "cvc") and isinstance(below, str) else _shown(below)
            for name, below in value.items()
        }
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, Upload):
        return f"<file {value.filename}, {len(value.content)} bytes>"
    return value
