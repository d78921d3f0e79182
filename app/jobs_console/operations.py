"""What staff do with jobs: run one now, hold it, move it, tell it something, take a run up again."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing
from app.models.job_run import JobRun, JobSetting
from app.timetable import queue, schedules
from app.timetable.lines import Line
from app.timetable.schedules import Schedule

_LONGEST_REMARK = 1_000
_LONGEST_PAUSE = timedelta(days=31)
# A run that is on, or waits, or was asked for by this very form: whichever it is, nothing new is begun.
_ASK = text("""
    INSERT INTO job_runs (job, due_at, state, parameters, dry, asked_by, asked_key)
    VALUES (:job, :now, 'queued', CAST(:parameters AS jsonb), :dry, :by, :key) ON CONFLICT DO NOTHING RETURNING id
""")


def run_now(line: Line, *, told: Mapping[str, int], dry: bool, key: UUID, actor: Actor) -> tuple[int, bool]:
    """Have it run as soon as a worker is free; the run, and whether it is a new one. The same `key` asks for one run.

    Raises:
        BadRequest: the job cannot say what it would do.
    """
    if dry and line.dry is None:
        raise BadRequest("This job cannot say what it would do without doing it.")
    values = {"job": line.name, "now": clock.now(), "dry": dry, "by": actor.name, "key": key}
    with transaction():
        run_id = db.session.execute(
            _ASK, values | {"parameters": orjson.dumps(dict(told)).decode() if told else None}
        ).scalar()
        if run_id is None:
            return _asked_before(line, key), False
        after = {"run": run_id, "dry": dry, "parameters": dict(told)}
        trail.record(actor, "job.run_asked", "job", line.name, after=after)
    queue.defer_waiting(line.name)
    return run_id, True


def take_up(run_id: int, *, actor: Actor) -> None:
    """Go on with a run that failed or was stopped; what it did stays done.

    Raises:
        Conflict: it did not fail, or somebody asked for another run that has not ended.
    """
    again = update(JobRun).where(JobRun.id == run_id, JobRun.state.in_(("failed", "stopped")))
    values = {"state": "queued", "tries": 0, "asked_by": actor.name, "finished_at": None}
    try:
        with transaction():
            job = db.session.execute(again.values(values).returning(JobRun.job)).scalar()
            if job is None:
                raise Conflict("This run did not fail, or it goes on already.")
            trail.record(actor, "job.run_resumed", "job", job, after={"run": run_id})
    except IntegrityError as error:
        raise Conflict("Somebody asked for a run of this job that has not ended yet. Wait until it has.") from error
    queue.defer_waiting(job)


def pause(line: Line, *, hours: float, remark: str, actor: Actor) -> datetime | None:
    """Have no due time of it begin; when that ends by itself, None: when somebody ends it. 0 hours: as long as is allowed.

    Raises:
        ReasonMissing: without a word on why. BadRequest: too long. Conflict: it is paused already.
    """
    remark, now = _remark(remark), clock.now()
    until = _until(line, hours, now)
    with transaction():
        setting = _locked(line)
        if setting.is_paused(now):
            raise Conflict("It is paused already.")
        setting.paused_at, setting.paused_until = now, until
        setting.paused_by, setting.remark = actor.name, remark
        trail.record(actor, "job.paused", "job", line.name, reason=remark, after={"until": until})
    return until


def resume(line: Line, *, remark: str, actor: Actor) -> None:
    """Let its due times begin again. Those that passed are made up for as the timetable says.

    Raises:
        Conflict: it is not paused.
    """
    now = clock.now()
    with transaction():
        setting = _locked(line)
        if not setting.is_paused(now):
            raise Conflict("It is not paused.")
        setting.paused_at = setting.paused_until = setting.paused_by = setting.remark = None
        setting.resumed_at = now
        trail.record(actor, "job.resumed", "job", line.name, reason=remark.strip()[:_LONGEST_REMARK] or None)
    queue.defer_waiting(line.name)


def reschedule(line: Line, words: str, *, actor: Actor) -> Schedule:
    """Have it due at other times; an empty text is the timetable's own again. Clocks follow within seconds.

    Raises:
        BadRequest: the words are no schedule.
    """
    new = schedules.read(words) if words.strip() else line.when
    with transaction():
        setting = _locked(line)
        before = queue.schedule_of(line, setting)
        if str(before) == str(new):
            return new
        setting.schedule = None if new == line.when else str(new)
        # The last due time of the new times is not made up for: it was nobody's when it passed.
        setting.rescheduled_at = clock.now()
        trail.record(actor, "job.rescheduled", "job", line.name, before={"when": str(before)}, after={"when": str(new)})
    return new


def tell(line: Line, told: Mapping[str, int], *, actor: Actor) -> None:
    """What it is told from now on; the usual values are not kept."""
    usual = {parameter.name: parameter.default for parameter in line.parameters}
    with transaction():
        setting = _locked(line)
        before = usual | (setting.parameters or {})
        if before == dict(told):
            return
        changed = {name: value for name, value in told.items() if usual[name] != value}
        setting.parameters = changed or None
        trail.record(actor, "job.parameters_set", "job", line.name, before=before, after=dict(told))


def _locked(line: Line) -> JobSetting:
    """Its row, made where there was none, and locked."""
    db.session.execute(text("INSERT INTO job_settings (job) VALUES (:job) ON CONFLICT DO NOTHING"), {"job": line.name})
    return db.session.get_one(JobSetting, line.name, with_for_update=True, populate_existing=True)


def _asked_before(line: Line, key: UUID) -> int:
    open_ones = JobRun.state.in_(("queued", "running", "stopped"))
    of_job = select(JobRun.id).where(JobRun.job == line.name, JobRun.asked_by.is_not(None), open_ones)
    found = db.session.scalar(select(JobRun.id).where(JobRun.asked_key == key)) or db.session.scalar(of_job)
    if found is None:
        raise Conflict("Another run of this job began at this very moment. Look at it, and ask again.")
    return found


def _until(line: Line, hours: float, now: datetime) -> datetime | None:
    longest = line.longest_pause or _LONGEST_PAUSE
    wanted = timedelta(hours=hours)
    if not timedelta(0) <= wanted <= longest:
        raise BadRequest("It may not stand still for that long.")
    if not hours:
        return now + line.longest_pause if line.longest_pause else None
    return now + wanted


def _remark(words: str) -> str:
    words = words.strip().replace("\0", "")
    if not words:
        raise ReasonMissing("Write a sentence on why.")
    if len(words) > _LONGEST_REMARK:
        raise BadRequest(f"At most {_LONGEST_REMARK:,} characters.")
    return words
