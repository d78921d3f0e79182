"""From a due time, or a wish, to a queued job: one row of history and one job of the engine."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from psycopg2 import errors
from sqlalchemy import TextClause, text
from sqlalchemy.exc import IntegrityError

from app.database import db, transaction
from app.models.job_run import JobSetting
from app.timetable.lines import Line, Missed
from app.timetable.schedules import Schedule, read

# Of a long outage so many due times are booked at once; the clock's next ring books on.
MOST_MISSED = 400

# A job that is paused; :now decides about a pause that ends by itself. For statements whose job_runs are named r.
PAUSED = """EXISTS (SELECT FROM job_settings s WHERE s.job = r.job AND s.paused_at IS NOT NULL
    AND (s.paused_until IS NULL OR s.paused_until > clock_timestamp()))"""

_BOOK = text("""
    INSERT INTO job_runs (job, due_at, state) VALUES (:job, :due_at, 'queued') ON CONFLICT (job, due_at) DO NOTHING RETURNING id
""")
# The queueing lock: of one job at most one waits. After an outage it runs once and not once for every time it missed.
_DEFER = text("""
    SELECT procrastinate_defer_jobs_v1(ARRAY[
        ROW('default', :job, 0, NULL, :job, jsonb_build_object('run_id', CAST(:run_id AS bigint)), NULL)
    ]::procrastinate_job_to_defer_v1[])
""")
_LAST = text("SELECT max(due_at) FROM job_runs WHERE job = :job AND asked_by IS NULL")
# What a person asked for goes first, then the oldest.
_WAITING = text(f"""
    SELECT r.id FROM job_runs r
     WHERE r.job = :job AND r.state = 'queued' AND (r.asked_by IS NOT NULL OR NOT {PAUSED})
       AND NOT EXISTS (SELECT FROM procrastinate_jobs p WHERE p.status = 'todo' AND p.task_name = r.job)
     ORDER BY r.asked_by IS NULL, r.due_at, r.id LIMIT 1
""")


def ring(line: Line, now: datetime) -> int:
    """Book what is due by now of this job, as staff set it; how many due times that was. A paused job has none."""
    setting = db.session.get(JobSetting, line.name, populate_existing=True)
    when = schedule_of(line, setting)
    last = db.session.execute(_LAST, {"job": line.name}).scalar() if line.missed is Missed.ALL else None
    db.session.rollback()
    if setting is not None and setting.is_paused(now):
        return 0
    due = list(_missed(when, last, now)) if last else [when.latest(now)]
    if setting is not None and setting.rescheduled_at is not None:
        due = [instant for instant in due if instant > setting.rescheduled_at]
    if line.missed is Missed.LATEST:
        return sum(enqueue(line.name, instant) for instant in due)
    with transaction():
        booked = [db.session.execute(_BOOK, {"job": line.name, "due_at": instant}).scalar() for instant in due]
    defer_waiting(line.name)
    return sum(run_id is not None for run_id in booked)


def schedule_of(line: Line, setting: JobSetting | None) -> Schedule:
    """When it is due: as staff set it, else as the timetable says."""
    return read(setting.schedule) if setting is not None and setting.schedule else line.when


def enqueue(job: str, due_at: datetime) -> bool:
    """Queue the job for this due time; False when a clock did so before, or when the job still waits since an earlier one."""
    return _handed_over(job, _BOOK, {"job": job, "due_at": due_at})


def defer_waiting(job: str) -> bool:
    """Hand the engine the run of this job that waits first, if none is handed to it already."""
    return _handed_over(job, _WAITING, {"job": job})


def _handed_over(job: str, which: TextClause, values: dict[str, Any]) -> bool:
    """Hand the engine the run that `which` answers; both are undone where the engine has one of this job already."""
    try:
        with transaction():
            run_id = db.session.execute(which, values).scalar()
            if run_id is not None:
                db.session.execute(_DEFER, {"job": job, "run_id": run_id})
    except IntegrityError as error:
        if not isinstance(error.orig, errors.UniqueViolation):
            raise
        return False
    return run_id is not None


def _missed(when: Schedule, last: datetime, now: datetime) -> Iterator[datetime]:
    due = when.next(last)
    for _ in range(MOST_MISSED):
        if due > now:
            return
        yield due
        due = when.next(due)
