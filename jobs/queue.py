"""From a due time to a queued job: one row of history and one job of the engine, in one transaction."""

from datetime import datetime

from psycopg2 import errors
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.database import db, transaction

_BOOK = text("""
    INSERT INTO job_runs (job, due_at, state) VALUES (:job, :due_at, 'queued') ON CONFLICT (job, due_at) DO NOTHING RETURNING id
""")
# The queueing lock: of one job at most one waits. After an outage it runs once and not once for every time it missed.
_DEFER = text("""
    SELECT procrastinate_defer_jobs_v1(ARRAY[
        ROW('default', :job, 0, NULL, :job, jsonb_build_object('run_id', CAST(:run_id AS bigint)), NULL)
    ]::procrastinate_job_to_defer_v1[])
""")


def enqueue(job: str, due_at: datetime) -> bool:
    """Queue the job for this due time; False when a clock did so before, or when the job still waits since an earlier one."""
    try:
        with transaction():
            run_id = db.session.execute(_BOOK, {"job": job, "due_at": due_at}).scalar()
            if run_id is None:
                return False
            db.session.execute(_DEFER, {"job": job, "run_id": run_id})
    except IntegrityError as error:
        if not isinstance(error.orig, errors.UniqueViolation):
            raise
        return False
    return True
