"""One run of one job: alone, with its progress and its log, and a row of history."""

import logging
import time
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from app import clock
from app.database import db, transaction
from app.gateways import fence
from app.logs import redact_error
from app.models.job_run import JobRun
from app.timetable import queue
from app.timetable.lines import Line, Missed
from jobs import stopping
from jobs.holding import Hold, alone, progress
from jobs.running import Run, as_current

log = logging.getLogger("jobs")

_LONGEST_ERROR = 1_000
# A run whose process dies under it each time brings down whoever takes it up.
MOST_TRIES = 3
# What a job with a shorter period leaves undone is done by its next run; a longer one's run is taken up again.
_LONG_PERIOD = 600
DIED = "Its process ended before it did."

_BEGIN = text(f"""
    UPDATE job_runs r SET state = 'running', started_at = coalesce(r.started_at, :now), finished_at = NULL, error = NULL,
           beat_at = clock_timestamp(), tries = r.tries + 1,
           parameters = coalesce(r.parameters, (SELECT s.parameters FROM job_settings s WHERE s.job = r.job))
     WHERE r.id = :id AND r.state = 'queued' AND (r.asked_by IS NOT NULL OR NOT {queue.PAUSED})
    RETURNING r.tries, r.due_at, r.parameters, r.dry, coalesce(r.done, 0) AS done
""")
_END = text("""
    UPDATE job_runs SET state = :state, finished_at = :now, done = :done, error = :error, skipped = :skipped, failed = :failed,
           reasons = :reasons
     WHERE id = :id AND state = 'running' AND tries = :tries RETURNING id
""").bindparams(bindparam("reasons", type_=JSONB(none_as_null=True)))
# The dead. What nobody else would do is taken up again, until it has brought down too many.
_BURY = text("""
    UPDATE job_runs SET
           state = CASE WHEN (:lasting OR asked_by IS NOT NULL) AND tries < :most THEN 'queued' ELSE 'failed' END,
           finished_at = :now, error = :died
     WHERE job = :job AND state = 'running' RETURNING id
""")
_TAKE_UP = text(
    "UPDATE job_runs SET state = 'queued', finished_at = NULL WHERE job = :job AND state = 'stopped' RETURNING id"
)
_PASS_OVER = text("""
    UPDATE job_runs SET state = 'good', started_at = :now, finished_at = :now, done = 0,
           error = 'It was still running since an earlier time.'
     WHERE id = :id AND state = 'queued' AND asked_by IS NULL AND NOT :lasting RETURNING id
""")
_ADD = text("INSERT INTO job_runs (job, due_at, state) VALUES (:job, :now, 'queued') RETURNING id")


def run_now(line: Line) -> JobRun:
    """Run it in this process, beside the timetable; what came of it."""
    with transaction():
        run_id = db.session.execute(_ADD, {"job": line.name, "now": clock.now()}).scalar_one()
    run(line, run_id)
    return db.session.get_one(JobRun, run_id, populate_existing=True)


def run(line: Line, run_id: int) -> str:
    """Run a queued job once; the state it ended in. A run that somebody else began, or that has to wait, is left alone.

    Whatever the job raises is the history's and the log's: it ends here.
    """
    try:
        with alone(line.name) as connection:
            if connection is None:
                return _pass_over(line, run_id)
            bury(line)
            return _run(line, run_id, connection)
    finally:
        # What waited for this one: due times that were missed, and wishes.
        queue.defer_waiting(line.name)


def bury(line: Line) -> int:
    """Write off, or take up again, the runs of this job that nobody is at; to be called by whoever has its lock."""
    with transaction():
        values = {"job": line.name, "now": clock.now(), "lasting": is_lasting(line), "most": MOST_TRIES, "died": DIED}
        buried = db.session.execute(_BURY, values).all()
        return len(buried) + len(db.session.execute(_TAKE_UP, {"job": line.name}).all())


def is_lasting(line: Line) -> bool:
    """Whether a run that was cut off has to be taken up again, because no other will do its work soon."""
    now = clock.now()
    return line.missed is Missed.ALL or (line.when.next(now) - line.when.latest(now)).total_seconds() >= _LONG_PERIOD


def _run(line: Line, run_id: int, connection: Connection) -> str:
    with transaction():
        begun = db.session.execute(_BEGIN, {"id": run_id, "now": clock.now()}).one_or_none()
    if begun is None:
        return "skipped"
    run = Run(due_at=begun.due_at, parameters=begun.parameters or {}, dry=begun.dry)
    hold = Hold(connection, run_id, begun.tries, run, begun.done)
    began, ours = time.monotonic(), {"id": run_id, "tries": begun.tries}
    try:
        with as_current(run), fence.behind(hold.ensure), hold.beating():
            run.done = _do(line, run)
    except fence.Fenced:
        log.warning("job.fenced", extra={"job": line.name, "run": run_id})
        return "skipped"
    except Exception as error:
        log.exception("job.failed", extra={"job": line.name, "run": run_id})
        words = redact_error(f"{type(error).__name__}: {error}")[:_LONGEST_ERROR]
        return _end(ours, "failed", run, begun.done, words)
    finally:
        db.session.remove()
    seconds = time.monotonic() - began
    log.info("job.done", extra={"job": line.name, "run": run_id, "done": run.done, "seconds": seconds})
    cut_short = stopping.requested.is_set() and is_lasting(line) and not run.dry
    return _end(ours, "stopped" if cut_short else "good", run, begun.done, None)


def _do(line: Line, run: Run) -> int:
    if not run.dry:
        return line.run()
    if line.dry is None:
        raise ValueError("This job cannot say what it would do.")
    return line.dry()


def _pass_over(line: Line, run_id: int) -> str:
    """It runs already. A wish, or a due time that counts for itself, waits until it has ended."""
    with transaction():
        values = {"id": run_id, "now": clock.now(), "lasting": line.missed is Missed.ALL}
        passed = db.session.execute(_PASS_OVER, values).first()
    return "good" if passed else "skipped"


def _end(ours: dict[str, int], state: str, run: Run, before: int, error: str | None) -> str:
    values: dict[str, Any] = {**ours, "state": state, "error": error, "now": clock.now(), **progress(run, before)}
    with transaction():
        ended = db.session.execute(_END, values).first()
    return state if ended else "skipped"
