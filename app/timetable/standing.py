"""How each job stands: good, running, late, failed, paused or never, in two questions for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text

from app.database import db
from app.models.job_run import JobRun, JobSetting
from app.timetable.lines import Line, began_large
from app.timetable.queue import schedule_of
from app.timetable.schedules import Schedule

# Late is who missed two of its periods; one of seconds has a minute, or every restart would be an alarm.
PERIODS, LEAST = 2, timedelta(seconds=60)
# A run without a sign of life for so long is none.
SILENT = timedelta(minutes=2)

# The newest run of each job that began and was no trial, read from the end of an index.
_NEWEST = text("""
    SELECT r.* FROM unnest(CAST(:jobs AS text[])) AS wanted (job) CROSS JOIN LATERAL (
        SELECT * FROM job_runs WHERE job_runs.job = wanted.job AND started_at IS NOT NULL AND NOT dry
         ORDER BY id DESC LIMIT 1) AS r
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """state: good, running, late, failed, paused, never. last: its newest run. next_at: None while it is paused."""

    line: Line
    when: Schedule
    state: str
    last: JobRun | None
    next_at: datetime | None
    setting: JobSetting | None

    @property
    def when_words(self) -> str:
        return began_large(str(self.when))

    @property
    def is_trouble(self) -> bool:
        return self.state in {"late", "failed"}


def standings(lines: Mapping[str, Line], now: datetime) -> list[Standing]:
    """Every job, in the order of the timetable."""
    settings = {setting.job: setting for setting in db.session.scalars(select(JobSetting))}
    newest = select(JobRun).from_statement(_NEWEST)
    runs = {run.job: run for run in db.session.scalars(newest, {"jobs": list(lines)})}
    return [_standing(line, settings.get(name), runs.get(name), now) for name, line in lines.items()]


def _standing(line: Line, setting: JobSetting | None, last: JobRun | None, now: datetime) -> Standing:
    when = schedule_of(line, setting)
    if setting is not None and setting.is_paused(now):
        return Standing(line, when, "paused", last, None, setting)
    state, next_at = _state(when, setting, last, now), when.next(now)
    return Standing(line, when, state, last, next_at, setting)


def _state(when: Schedule, setting: JobSetting | None, last: JobRun | None, now: datetime) -> str:
    if last is None:
        return "never"
    if last.state == "running" and now - (last.beat_at or last.started_at or now) < SILENT:
        return "running"
    if _is_late(when, setting, last, now):
        return "late"
    return "failed" if last.state == "failed" else "good"


def _is_late(when: Schedule, setting: JobSetting | None, last: JobRun, now: datetime) -> bool:
    """Its next due time after the last run, or after staff let it go on or moved it, is two periods ago."""
    set_at = (setting.rescheduled_at, setting.resumed_at, setting.paused_until) if setting is not None else ()
    since = max(
        instant for instant in (last.due_at, *set_at) if instant is not None and instant <= max(now, last.due_at)
    )
    due = when.next(since)
    following = when.next(due)
    return now > due + max((following - due) * PERIODS, LEAST)
