"""What is no longer needed goes, a little at a time."""

from datetime import datetime, timedelta

from sqlalchemy import text

from app import clock
from app.database import db, transaction
from app.mail.keeping import forget_words
from app.staff.housekeeping import forget_old
from app.timetable.lines import Parameter
from jobs import running, stopping

_AT_ONCE = 5_000
_ENDED = "due_at < :before AND state IN ('good', 'failed')"

REFUSALS = Parameter("refusal_days", "Refused webhooks stay for days", 30, 1, 3_650)
RUNS = Parameter("run_days", "Runs of jobs stay for days", 14, 1, 3_650)
MAILS = Parameter("mail_days", "What mails said stays for days (0: for good)", 180, 0, 36_500)
IDLE = Parameter("idle_run_days", "Runs that found nothing to do stay for days", 3, 1, 3_650)
CALLS = Parameter("api_call_days", "Calls of programs stay for days", 7, 1, 90)
PARAMETERS = (REFUSALS, CALLS, RUNS, IDLE, MAILS)

# What is removed, and after how many days. Nothing here is part of the audit trail.
_RULES: tuple[tuple[str, str, Parameter | None], ...] = (
    ("webhook_refusals", "at < :before", REFUSALS),
    ("api_calls", "at < :before", CALLS),
    ("job_runs", _ENDED, RUNS),
    ("job_runs", f"{_ENDED} AND state = 'good' AND done = 0 AND asked_by IS NULL", IDLE),
    # A worker removes what it finished. What is left belonged to one that died; its run was written off long ago.
    ("procrastinate_jobs", "status <> 'todo' AND worker_id IS NULL AND CAST(:before AS timestamptz) IS NOT NULL", None),
)


def keep_house() -> int:
    """Remove old refusals, calls of programs, job runs, sessions, tries to sign in, and what old mails said."""
    run = running.current()
    removed = forget_old() + forget_words(run.told(MAILS), stop=stopping.requested.is_set)
    run.did(removed)
    return removed + sum(_remove(table, which, before) for table, which, before in _rules())


def would_keep_house() -> int:
    """How many refusals and runs would go; of sessions, tries to sign in and mails nothing is said."""
    found = 0
    for table, which, before in _rules():
        few = text(f"SELECT count(*) FROM (SELECT FROM {table} WHERE {which} LIMIT 100000) AS few")
        number = db.session.execute(few, {"before": before}).scalar_one()
        running.current().say(f"{number:,} of {table}, from before {before:%-d %B %Y}")
        found += number
    db.session.rollback()
    return found


def _rules() -> list[tuple[str, str, datetime]]:
    now, run = clock.now(), running.current()
    return [(table, which, now - timedelta(days=run.told(days) if days else 0)) for table, which, days in _RULES]


def _remove(table: str, which: str, before: datetime) -> int:
    """In short transactions, so that nobody waits long for one."""
    statement = text(
        f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE {which} LIMIT {_AT_ONCE}) RETURNING 1"
    )
    removed = 0
    while not stopping.requested.is_set():
        with transaction():
            part = len(db.session.execute(statement, {"before": before}).all())
        removed += part
        running.current().did(part)
        if part < _AT_ONCE:
            break
    return removed
