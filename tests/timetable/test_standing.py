"""Late is late: after two periods, from where staff left it, and never because of a restart."""

from datetime import UTC, datetime, time, timedelta

import pytest
from flask import Flask

from app.alerts.sources import BY_NAME
from app.database import db, transaction
from app.models.job_run import JobRun, JobSetting
from app.timetable.lines import Line, init_timetable
from app.timetable.schedules import Daily, Every, Schedule
from app.timetable.standing import standings
from tests.jobs.lines import three

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def ran(due_at: datetime, state: str = "good", **more: object) -> None:
    with transaction():
        db.session.add(JobRun(job="three", due_at=due_at, state=state, started_at=due_at, beat_at=due_at, **more))


def set_to(**values: object) -> None:
    with transaction():
        db.session.add(JobSetting(job="three", **values))


def state(when: Schedule, now: datetime) -> str:
    return standings({"three": Line(three, when)}, now)[0].state


@pytest.mark.parametrize(
    ("when", "last", "late_at"),
    [
        (Every(5), NOON, NOON + timedelta(seconds=65)),
        (Every(300), NOON, NOON + timedelta(minutes=15)),
        (Daily(time(3, 15)), NOON.replace(hour=3, minute=15), NOON.replace(day=5, hour=3, minute=15)),
    ],
)
def test_a_job_is_late_two_periods_after_the_due_time_it_missed(
    app: Flask, when: Schedule, last: datetime, late_at: datetime
) -> None:
    assert state(when, NOON) == "never"
    ran(last)

    assert state(when, late_at) == "good"
    assert state(when, late_at + timedelta(seconds=1)) == "late"


def test_a_run_that_lives_is_not_late_and_one_that_is_silent_is(app: Flask) -> None:
    ran(NOON - timedelta(hours=3), "running")
    with transaction():
        db.session.query(JobRun).one().beat_at = NOON

    assert state(Every(60), NOON + timedelta(seconds=119)) == "running"
    assert state(Every(60), NOON + timedelta(seconds=121)) == "late"


def test_a_pause_and_other_times_begin_the_count_anew(app: Flask) -> None:
    ran(NOON - timedelta(days=9))
    set_to(
        paused_at=NOON - timedelta(hours=1), paused_until=NOON, paused_by="ana", remark="x", schedule="every 10 minutes"
    )

    assert state(Every(60), NOON - timedelta(minutes=1)) == "paused"
    assert state(Every(60), NOON + timedelta(minutes=29)) == "good"
    assert state(Every(60), NOON + timedelta(minutes=31)) == "late"


def test_a_trial_says_nothing_of_how_a_job_stands(app: Flask) -> None:
    ran(NOON - timedelta(seconds=30), "failed")
    ran(NOON - timedelta(seconds=10), "good", dry=True)

    assert state(Every(60), NOON) == "failed"


def test_late_jobs_are_told_and_shown_to_whoever_watches_from_outside(app: Flask) -> None:
    known = app.extensions["timetable"]
    init_timetable(app, [Line(three, Every(60))])
    try:
        ran(NOON)
        find = BY_NAME["job.late"].find
        assert find is not None
        assert find(1, NOON + timedelta(minutes=3)) == []
        [found] = find(1, NOON + timedelta(minutes=4))
        assert found.text == "Job three is late: it missed two of its due times (every minute)."
        answer = app.test_client().get("/health/ready").get_json()
        assert answer["jobs"] == {"late": ["three"], "failed": []}
    finally:
        app.extensions["timetable"] = known
