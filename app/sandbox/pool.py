"""Database connections for many threads: a few, kept open, replaced when they die."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812


class Pool:
    """Hands out at most `size` connections; a thread that finds none waits.

    `durable=False` lets PostgreSQL answer a commit before it is on disk: a crash of PostgreSQL (not of this process)
    may lose the last moments, which a sandbox can bear.
    """

    def __init__(self, dsn: str, *, size: int = 24, durable: bool = False) -> None:
        self._dsn = dsn
        self._durable = durable
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(size)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection with an open transaction block: committed on a clean end, rolled back on an exception."""
        with self._free:
            conn = self._take()
            try:
                yield conn
                conn.commit()
            except BaseException:
                with contextlib.suppress(psycopg2.Error):
                    conn.rollback()
                raise
            finally:
                self._give_back(conn)

    def open(self) -> Connection:
        conn = psycopg2.connect(self._dsn, application_name="counterfoil-sandbox", connect_timeout=5)
        with conn.cursor() as cursor:
            cursor.execute("SET search_path = sandbox; SET timezone = 'UTC'")
            # Every list has its index; right after a reset or a bulk load the planner's figures are wrong and it sorts.
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
            cursor.execute("SELECT set_config('synchronous_commit', %s, false)", ("on" if self._durable else "off",))
        conn.commit()
        return conn

    def forget_idle(self) -> None:
        """After the server went away every idle connection is as dead as the one that noticed."""
        with self._lock:
            idle, self._idle = self._idle, []
        for conn in idle:
            with contextlib.suppress(psycopg2.Error):
                conn.close()

    def _take(self) -> Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self.open()

    def _give_back(self, conn: Connection) -> None:
        if conn.closed or conn.info.transaction_status != TRANSACTION_STATUS_IDLE:
            with contextlib.suppress(psycopg2.Error):
                conn.close()
            return
        with self._lock:
            self._idle.append(conn)
