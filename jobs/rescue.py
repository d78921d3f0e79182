"""What the clock looks after beside the time: runs whose process died, stalled or stopped, and runs that were lost on the way."""

import logging
from collections.abc import Mapping

from sqlalchemy import text

from app.database import db
from app.timetable import queue
from app.timetable.lines import Line
from jobs import runner
from jobs.holding import LOCKS, STALLED_AFTER, alone, lock_of

log = logging.getLogger("jobs")

_OPEN = text(f"""
    SELECT DISTINCT r.job FROM job_runs r WHERE r.state IN ('running', 'stopped')
    UNION
    SELECT r.job FROM job_runs r WHERE r.state = 'queued' AND (r.asked_by IS NOT NULL OR NOT {queue.PAUSED})
""")
_STALLED = text("""
    SELECT job FROM job_runs
     WHERE state = 'running' AND coalesce(beat_at, started_at) < clock_timestamp() - :after * interval '1 second'
""")
# The lock's name as the server's table of locks writes it: without a sign.
_CUT_OFF = text("""
    SELECT pg_terminate_backend(pid) FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND classid::bigint = :locks AND objid::bigint = :job AND objsubid = 2
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


def rescue(lines: Mapping[str, Line]) -> int:
    """Take up what nobody is at; how many runs that was."""
    for job in _jobs(_STALLED, after=STALLED_AFTER):
        # Whoever wakes up after this finds its lock gone, and writes nothing more.
        log.warning("job.stalled", extra={"job": job})
        db.session.execute(_CUT_OFF, {"locks": LOCKS, "job": lock_of(job) % 2**32})
        db.session.rollback()
    found = 0
    for job in _jobs(_OPEN):
        if job in lines:
            with alone(job) as connection:
                found += runner.bury(lines[job]) if connection is not None else 0
            queue.defer_waiting(job)
    return found


def _jobs(statement: object, **values: object) -> list[str]:
    jobs = list(db.session.execute(statement, values).scalars())  # type: ignore[call-overload]
    db.session.rollback()
    return jobs
