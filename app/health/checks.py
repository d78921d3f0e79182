"""What work depends on, each as one question with a yes or a no and a sentence."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.database import db
from app.models.job_run import JobRun
from app.models.webhook_event import WebhookEvent
from app.settings import Settings
from app.timetable.lines import timetable
from app.timetable.standing import standings

# An event that waits longer is one nobody works on (invariant I5); a clock that is silent for longer has stopped.
WAITS_TOO_LONG = timedelta(seconds=60)
CLOCK_SILENT = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to one question. `words` is for staff: what is wrong and what to do."""

    name: str
    passed: bool
    words: str


def all_checks() -> Iterator[Check]:
    """Every check in order of dependence; without a database the rest is not asked."""
    reachable = _database()
    yield reachable
    if reachable.passed:
        yield from (_guarded(question) for question in (_migrations, _webhook_secret, _inbox, _job_clock))


def _guarded(question: Callable[[], Check]) -> Check:
    try:
        return question()
    except SQLAlchemyError as error:
        db.session.rollback()
        return Check(
            question.__name__.strip("_"), passed=False, words=f"The database did not answer: {type(error).__name__}."
        )


def _database() -> Check:
    try:
        db.session.execute(text("SET LOCAL statement_timeout = '2s'"))
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        db.session.rollback()
        return Check("database", passed=False, words=f"The database does not answer: {type(error).__name__}.")
    return Check("database", passed=True, words="The database answers.")


def _migrations() -> Check:
    present = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    wanted = _head(current_app.extensions["migrate"].directory)
    words = f"The tables are at {present}, the program wants {wanted}: run `flask db upgrade`."
    return Check("migrations", passed=present == wanted, words=words)


def _webhook_secret() -> Check:
    settings: Settings = current_app.extensions["settings"]
    words = "Without STRIPE_WEBHOOK_SECRET no webhook can be believed."
    return Check("webhook_secret", passed=bool(settings.webhook_secrets), words=words)


def _inbox() -> Check:
    """Oldest event that is due and still waits."""
    due = db.session.execute(
        select(func.min(WebhookEvent.next_try_at)).where(WebhookEvent.state == "waiting")
    ).scalar_one()
    late = due is not None and clock.now() - due > WAITS_TOO_LONG
    return Check("inbox", passed=not late, words=f"An event has been due since {due}: is a worker running?")


def _job_clock() -> Check:
    """The newest due time that any clock has enqueued; the timetable has a job every few seconds."""
    # By its number, which an index orders: this address is open to everybody, and there are hundreds of thousands of runs.
    newest = db.session.execute(select(JobRun.due_at).order_by(JobRun.id.desc()).limit(1)).scalar_one_or_none()
    silent = newest is None or clock.now() - newest > CLOCK_SILENT
    return Check("clock", passed=not silent, words="No job has been enqueued lately: is `flask jobs start` running?")


def troubled_jobs() -> dict[str, list[str]]:
    """Jobs that are late, and jobs whose last run failed, by name; empty lists where the database cannot say.

    They do not make this process unready: another one would have the same.
    """
    try:
        found = standings(timetable(), clock.now())
    except SQLAlchemyError:
        db.session.rollback()
        found = []
    return {state: [one.line.name for one in found if one.state == state] for state in ("late", "failed")}


@cache
def _head(directory: str) -> str | None:
    return ScriptDirectory(str(Path(directory))).get_current_head()
