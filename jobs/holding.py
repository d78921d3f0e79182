"""Being alone with a job: a lock that dies with its connection, a sign of life, and the word that the run is still ours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError

from app.database import db
from app.gateways.fence import Fenced
from jobs.running import Run

# The first half of the advisory locks' names; the second is the job's.
LOCKS = 72_663
BEATS = 10.0
# A process that showed no sign of life for so many seconds has stalled: its lock is taken from it.
STALLED_AFTER = 120

_OURS = "id = :id AND state = 'running' AND tries = :tries"
_BEAT = text(
    f"UPDATE job_runs SET beat_at = clock_timestamp(), done = :done, skipped = :skipped, failed = :failed, reasons = :reasons "
    f"WHERE {_OURS} RETURNING id"
).bindparams(bindparam("reasons", type_=JSONB(none_as_null=True)))
_ASK = text(f"SELECT id FROM job_runs WHERE {_OURS}")
_SAY = text("INSERT INTO job_run_lines (run_id, at, level, text) VALUES (:run_id, :at, :level, :text)")


class Hold:
    """The run of a job, as long as it is ours. Its connection is the lock's: whoever lost the one has lost the other."""

    def __init__(self, connection: Connection, run_id: int, tries: int, run: Run, before: int) -> None:
        self._connection = connection
        self._ours = {"id": run_id, "tries": tries}
        self._run = run
        self._before = before
        self._guard = threading.Lock()
        self._lost = False

    def ensure(self) -> None:
        """
        Raises:
            Fenced: the lock is gone, or another process has taken the run over.
        """
        with self._guard:
            self._lost = self._lost or not self._answers(_ASK, self._ours)
        if self._lost:
            raise Fenced("Another process has taken this run over. Nothing more is written.")

    def beat(self) -> None:
        """Show that we live, and how far we are."""
        with self._guard:
            self._lost = self._lost or not self._answers(_BEAT, self._ours | progress(self._run, self._before))
            lines = self._run.new_lines()
            if lines and not self._lost:
                with suppress(SQLAlchemyError):
                    self._connection.execute(_SAY, [{"run_id": self._ours["id"], **line} for line in lines])

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Show signs of life from a thread of its own, and once more at the end."""
        ended = threading.Event()

        def go_on() -> None:
            while not ended.wait(BEATS) and not self._lost:
                self.beat()

        heart = threading.Thread(target=go_on, name="heart", daemon=True)
        heart.start()
        try:
            yield
        finally:
            ended.set()
            heart.join()
            self.beat()

    def _answers(self, statement: Any, values: dict[str, Any]) -> bool:
        try:
            return self._connection.execute(statement, values).first() is not None
        except SQLAlchemyError:
            return False


def progress(run: Run, before: int) -> dict[str, Any]:
    """Its figures as columns. before: what an earlier try of the same run did."""
    done = None if run.done is None and not before else (run.done or 0) + before
    return {"done": done, "skipped": run.skipped, "failed": run.failed, "reasons": dict(run.reasons) or None}


@contextmanager
def alone(job: str) -> Iterator[Connection | None]:
    """The connection that holds this job's lock; None when another process has it.

    The lock dies with its holder's connection, so nobody waits for the dead.
    """
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        names = {"locks": LOCKS, "job": lock_of(job)}
        mine = bool(connection.execute(text("SELECT pg_try_advisory_lock(:locks, :job)"), names).scalar())
        try:
            yield connection if mine else None
        finally:
            if mine:
                # A server that went away meanwhile has forgotten the lock by itself.
                with suppress(SQLAlchemyError):
                    connection.execute(text("SELECT pg_advisory_unlock(:locks, :job)"), names)


def lock_of(job: str) -> int:
    """The second half of a lock's name, which PostgreSQL wants with a sign."""
    return crc32(job.encode()) - 2**31
