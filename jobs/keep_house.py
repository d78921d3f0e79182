"""What is no longer needed goes, a little at a time."""

from datetime import datetime, timedelta

from sqlalchemy import text

from app import clock
from app.database import db, transaction
from app.staff.housekeeping import forget_old
from jobs import stopping

_AT_ONCE = 5_000

# What is removed, and after how many days. Nothing here is part of the audit trail.
_RULES = (
    ("webhook_refusals", "at < :before", 30),
    ("job_runs", "due_at < :before AND state IN ('good', 'failed')", 14),
    # A worker removes what it finished. What is left belonged to one that died; its run was written off long ago.
    ("procrastinate_jobs", "status <> 'todo' AND worker_id IS NULL AND CAST(:before AS timestamptz) IS NOT NULL", 0),
)


def keep_house() -> int:
    """Remove old refusals, job runs, sessions and tries to sign in."""
    now = clock.now()
    return forget_old() + sum(_remove(table, which, now - timedelta(days=days)) for table, which, days in _RULES)


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
        if part < _AT_ONCE:
            break
    return removed
