"""The clock rings for what is due, once, whatever happens to the hour on the wall or to the database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock as wall
from app.database import db, transaction
from app.models.job_run import JobRun, JobSetting
from app.timetable.schedules import Every
from jobs import stopping
from jobs.clock import Clock, Due, Steady, _latest_due
from jobs.timetable import TIMETABLE
from tests.stack import eventually

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class Wall:
    """The system's clock and its counter of seconds, both in our hands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.counter = NOON, 1_000.0
        monkeypatch.setattr("app.clock.now", lambda: self.at)
        monkeypatch.setattr("time.monotonic", lambda: self.counter)

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.counter += seconds


@pytest.fixture(autouse=True)
def _nobody_wishes_to_stop() -> Iterator[None]:
    stopping.requested.clear()
    yield
    stopping.requested.clear()


def due_times(job: str) -> list[datetime]:
    db.session.rollback()
    return list(db.session.scalars(select(JobRun.due_at).where(JobRun.job == job).order_by(JobRun.due_at)))


def test_the_present_goes_on_when_the_wall_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Wall(monkeypatch)
    steady = Steady()

    hands.pass_by(10)
    assert steady.now() == NOON + timedelta(seconds=10)
    hands.at -= timedelta(hours=1)
    assert steady.now() == NOON + timedelta(seconds=10)
    hands.pass_by(5)
    assert steady.now() == NOON + timedelta(seconds=15)
    hands.at += timedelta(hours=1)
    assert steady.now() == NOON + timedelta(seconds=15)
    hands.at += timedelta(hours=1)
    assert steady.now() == NOON + timedelta(hours=1, seconds=15)


def test_an_hour_back_repeats_no_due_time_and_an_hour_on_makes_up_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Wall(monkeypatch)
    steady, every, dues = Steady(), Every(60), []
    for step in range(30):
        hands.pass_by(20)
        if step == 10:
            hands.at -= timedelta(hours=1)
        if step == 20:
            hands.at += timedelta(hours=1)
        dues.append(every.latest(steady.now()))

    assert dues == sorted(dues)
    assert len(set(dues)) == 11


def test_a_missed_stretch_rings_once_for_the_scheduler_too() -> None:
    due = Due(Every(60))

    assert due.get_next_fire_time(None, NOON) == NOON + timedelta(seconds=60)
    assert due.get_next_fire_time(NOON, NOON + timedelta(hours=5)) == NOON + timedelta(hours=5, seconds=60)
    assert due.get_next_fire_time(NOON + timedelta(hours=1), NOON) == NOON + timedelta(hours=1, seconds=60)


def test_a_clock_that_starts_queues_what_is_due_and_a_second_one_nothing_more(committed: Flask) -> None:
    clocks = [Clock(committed), Clock(committed)]
    for ringing in clocks:
        ringing.start()
    eventually(lambda: all(due_times(line.name) for line in TIMETABLE))
    stopping.requested.set()
    for ringing in clocks:
        ringing.stop()

    assert len(due_times("keep_house")) == 1
    assert due_times("keep_house")[0].time().isoformat() == "03:15:00"
    assert len(set(due_times("understand_events"))) == len(due_times("understand_events"))


def test_a_clock_follows_what_staff_set_without_being_started_anew(committed: Flask) -> None:
    ringing = Clock(committed)
    ringing.start()
    eventually(lambda: all(due_times(line.name) for line in TIMETABLE))
    with transaction():
        db.session.add(JobSetting(job="keep_house", schedule="every 5 s", rescheduled_at=wall.now()))

    eventually(lambda: _emptied() and len(due_times("keep_house")) >= 2)
    with transaction():
        paused = {"paused_at": wall.now(), "paused_by": "ana@shop.example", "remark": "x"}
        db.session.query(JobSetting).filter_by(job="keep_house").update(paused)
        db.session.execute(text("DELETE FROM procrastinate_jobs"))
    before = due_times("keep_house")
    latest = max(due_times("understand_events"))
    eventually(lambda: _emptied() and max(due_times("understand_events")) > latest + timedelta(seconds=8))
    stopping.requested.set()
    ringing.stop()

    # Eight seconds have one due time at least; a ring that had looked before the pause may still have booked it.
    later = [due for due in due_times("keep_house") if due not in before]
    assert [due for due in later if due > max(before) + timedelta(seconds=5)] == []


def _emptied() -> bool:
    """As a worker does that takes what waits."""
    with transaction():
        db.session.execute(text("DELETE FROM procrastinate_jobs"))
    return True


def test_a_clock_that_was_set_back_while_nobody_looked_goes_on_where_the_last_one_was(committed: Flask) -> None:
    with db.engine.begin() as connection:
        rows = [{"job": "a", "due_at": wall.now() + timedelta(hours=h), "state": "good"} for h in (-1, 1, 30)]
        connection.execute(JobRun.__table__.insert(), rows)  # type: ignore[attr-defined]

    found = _latest_due(committed)

    assert found == rows[1]["due_at"]
    assert Steady(found).now() >= rows[1]["due_at"]  # type: ignore[operator]
