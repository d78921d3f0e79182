"""One run of one job: alone, with a line in the log and a row of history."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from zlib import crc32

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.database import db, transaction
from app.logs import redact_error
from app.models.job_run import JobRun
from jobs.timetable import Line

log = logging.getLogger("jobs")

# The first half of the advisory locks' names; the second is the job's.
_LOCKS = 72_663
_LONGEST_ERROR = 1_000

_BEGIN = text(
    "UPDATE job_runs SET state = 'running', started_at = :now WHERE id = :id AND state = 'queued' RETURNING id"
)
_END = text("UPDATE job_runs SET state = :state, finished_at = :now, done = :done, error = :error WHERE id = :id")
_BURY = text("""
    UPDATE job_runs SET state = 'failed', finished_at = :now, error = 'Its process ended before it did.'
     WHERE job = :job AND state = 'running'
""")
_ADD = text("""
    INSERT INTO job_runs (job, due_at, state) VALUES (:job, :now, 'queued') RETURNING id
""")


def run_now(line: Line) -> JobRun:
    """Run it in this process, beside the timetable; what came of it."""
    with transaction():
        run_id = db.session.execute(_ADD, {"job": line.name, "now": clock.now()}).scalar_one()
    run(line, run_id)
    return db.session.get_one(JobRun, run_id, populate_existing=True)


def run(line: Line, run_id: int) -> str:
    """Run a queued job once; the state it ended in. A run that somebody else began is left alone.

    Whatever the job raises is the history's and the log's: it ends here.
    """
    with _alone(line.name) as alone:
        if not _begin(line.name, run_id, alone=alone):
            return "skipped"
        if not alone:
            return _end(run_id, "good", done=0, error="It was still running since an earlier time.")
        began = time.monotonic()
        try:
            done = line.run()
        except Exception as error:
            log.exception("job.failed", extra={"job": line.name, "run": run_id})
            return _end(run_id, "failed", error=redact_error(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR])
        finally:
            db.session.remove()
        log.info("job.done", extra={"job": line.name, "run": run_id, "done": done, "seconds": time.monotonic() - began})
        return _end(run_id, "good", done=done)


@contextmanager
def _alone(job: str) -> Iterator[bool]:
    """Whether no other process runs this job. The lock dies with its holder's connection, so nobody waits for the dead."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        names = {"locks": _LOCKS, "job": crc32(job.encode()) - 2**31}
        alone = bool(connection.execute(text("SELECT pg_try_advisory_lock(:locks, :job)"), names).scalar())
        try:
            yield alone
        finally:
            if alone:
                # A server that went away meanwhile has forgotten the lock by itself.
                with suppress(SQLAlchemyError):
                    connection.execute(text("SELECT pg_advisory_unlock(:locks, :job)"), names)


def _begin(job: str, run_id: int, *, alone: bool) -> bool:
    with transaction():
        now = clock.now()
        if alone:
            db.session.execute(_BURY, {"job": job, "now": now})
        return db.session.execute(_BEGIN, {"id": run_id, "now": now}).scalar() is not None


def _end(run_id: int, state: str, *, done: int | None = None, error: str | None = None) -> str:
    values: dict[str, str | int | datetime | None] = {"id": run_id, "state": state, "done": done, "error": error}
    with transaction():
        db.session.execute(_END, values | {"now": clock.now()})
    return state
