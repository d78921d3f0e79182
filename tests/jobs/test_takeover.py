"""Runs that are cut off: taken up once, in order, and nobody who lost one writes anything more."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.database import db, transaction
from app.gateways import fence
from app.models.job_run import JobRun, JobRunLine, JobSetting
from app.timetable import queue
from app.timetable.lines import Line, Missed, Parameter
from app.timetable.schedules import Daily, Every
from jobs import rescue, runner, running, stopping
from tests.jobs.lines import three

DUE = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
NIGHTLY = Daily(time(3, 15))


def add(job: str, state: str = "queued", *, at: datetime = DUE, **more: object) -> int:
    with transaction():
        run = JobRun(job=job, due_at=at, state=state, **more)
        db.session.add(run)
        db.session.flush()
        return run.id


def found() -> list[JobRun]:
    db.session.rollback()
    return list(db.session.scalars(select(JobRun).order_by(JobRun.id).execution_options(populate_existing=True)))


def handed_out() -> list[int]:
    """Ids of the runs the engine was handed, which are then taken from it as a worker does."""
    with transaction():
        return list(db.session.scalars(text("DELETE FROM procrastinate_jobs RETURNING (args->>'run_id')::int")))


def work_off(line: Line) -> list[datetime]:
    """As one worker does, until nothing is handed out any more; the due times in the order they were run."""
    done = []
    while ids := handed_out():
        for run_id in ids:
            assert runner.run(line, run_id) == "good"
            done.append(db.session.get_one(JobRun, run_id, populate_existing=True).due_at)
            db.session.rollback()
    return done


def test_every_due_time_of_an_outage_is_made_up_for_once_and_in_order(committed: Flask) -> None:
    line = Line(three, Every(3600), missed=Missed.ALL)
    queue.ring(line, DUE)
    assert work_off(line) == [DUE]

    def ring(_: int) -> int:
        with committed.app_context():
            return queue.ring(line, DUE + timedelta(hours=5, minutes=10))

    with ThreadPoolExecutor(4) as clocks:
        assert sum(clocks.map(ring, range(8))) == 5

    assert work_off(line) == [DUE + timedelta(hours=hours) for hours in range(1, 6)]
    assert queue.ring(line, DUE + timedelta(hours=5, minutes=20)) == 0


def test_a_job_that_only_wants_the_latest_runs_once_after_an_outage(committed: Flask) -> None:
    line = Line(three, Every(3600))
    queue.ring(line, DUE)
    assert work_off(line) == [DUE]

    assert queue.ring(line, DUE + timedelta(hours=5, minutes=10)) == 1
    assert work_off(line) == [DUE + timedelta(hours=5)]


def test_a_run_knows_its_due_time_and_what_it_was_told(committed: Flask) -> None:
    most = Parameter("most", "At most", 7)
    seen = []

    def look() -> int:
        run = running.current()
        seen.append((run.due_at, run.told(most)))
        return 1

    line = Line(look, Every(60), parameters=(most,))
    runner.run(line, add("look"))
    runner.run(line, add("look", at=DUE + timedelta(minutes=1), parameters={"most": 3}))
    with transaction():
        db.session.add(JobSetting(job="look", parameters={"most": 4}))
    runner.run(line, add("look", at=DUE + timedelta(minutes=2)))

    assert seen == [(DUE, 7), (DUE + timedelta(minutes=1), 3), (DUE + timedelta(minutes=2), 4)]


def test_progress_reasons_and_log_are_kept_without_secrets(committed: Flask) -> None:
    def work() -> int:
        run = running.current()
        run.did(2)
        run.skip("is young", 3)
        run.fail("no luck with sk_test_abcdef")
        run.say("looked at whsec_abcdef")
        return 2

    assert runner.run(Line(work, Every(60)), add("work")) == "good"

    [run] = found()
    assert (run.done, run.skipped, run.failed) == (2, 3, 1)
    assert run.reasons == {"is young": 3, "no luck with [secret]": 1}
    assert db.session.scalars(select(JobRunLine.text)).all() == ["looked at [secret]"]


def test_a_paused_job_is_not_booked_and_what_waits_stays_until_it_goes_on(committed: Flask) -> None:
    line = Line(three, Every(60))
    waiting = add("three")
    with transaction():
        db.session.add(JobSetting(job="three", paused_at=DUE, paused_by="ana@shop.example", remark="Looking"))

    assert queue.ring(line, DUE + timedelta(minutes=9)) == 0
    assert queue.defer_waiting("three") is False
    assert runner.run(line, waiting) == "skipped"
    assert [run.state for run in found()] == ["queued"]

    with transaction():
        db.session.get_one(JobSetting, "three").paused_until = DUE
    assert queue.defer_waiting("three") is True
    assert work_off(line) == [DUE]


def test_a_nightly_run_whose_process_died_is_taken_up_three_times_at_most(committed: Flask) -> None:
    line = Line(three, NIGHTLY)
    run_id = add("three", "running", tries=1)

    assert rescue.rescue({"three": line}) == 1
    assert handed_out() == [run_id]
    assert found()[0].state == "queued"

    with transaction():
        db.session.get_one(JobRun, run_id).state = "running"
        db.session.get_one(JobRun, run_id).tries = 3
    assert rescue.rescue({"three": line}) == 1
    assert handed_out() == []
    assert (found()[0].state, found()[0].error) == ("failed", runner.DIED)


def test_a_run_that_is_alive_is_left_alone(committed: Flask) -> None:
    started, go = threading.Event(), threading.Event()

    def slow() -> int:
        started.set()
        assert go.wait(20)
        return 1

    line, run_id = Line(slow, NIGHTLY), add("slow")

    def run() -> str:
        with committed.app_context():
            return runner.run(line, run_id)

    with ThreadPoolExecutor(1) as pool:
        running_one = pool.submit(run)
        assert started.wait(10)
        assert rescue.rescue({"slow": line}) == 0
        go.set()
        assert running_one.result(20) == "good"


def test_a_run_that_was_lost_before_its_start_is_handed_out_again(committed: Flask) -> None:
    line = Line(three, Every(60))
    queue.ring(line, DUE)
    [run_id] = handed_out()

    rescue.rescue({"three": line})

    assert handed_out() == [run_id]


def test_a_stalled_worker_that_wakes_up_writes_nothing_more(committed: Flask) -> None:
    asleep, awake = threading.Event(), threading.Event()
    written: list[str] = []

    def work() -> int:
        fence.ask()
        written.append("before")
        asleep.set()
        assert awake.wait(20)
        fence.ask()
        written.append("after")
        return 2

    def other() -> int:
        written.append("other")
        return 1

    other.__name__ = "work"
    run_id = add("work")

    def run() -> str:
        with committed.app_context():
            return runner.run(Line(work, NIGHTLY), run_id)

    with ThreadPoolExecutor(1) as pool:
        stalled = pool.submit(run)
        assert asleep.wait(10)
        with transaction():
            db.session.execute(text("UPDATE job_runs SET beat_at = now() - interval '10 minutes'"))
        assert rescue.rescue({"work": Line(other, NIGHTLY)}) == 1
        assert handed_out() == [run_id]
        assert runner.run(Line(other, NIGHTLY), run_id) == "good"
        awake.set()
        assert stalled.result(20) == "skipped"

    assert written == ["before", "other"]
    [run_row] = found()
    assert (run_row.state, run_row.done, run_row.tries) == ("good", 1, 2)


def test_what_a_stop_cut_short_is_gone_on_with(committed: Flask) -> None:
    parts = [2, 5]

    def work() -> int:
        return parts.pop(0)

    line, run_id = Line(work, NIGHTLY), add("work")
    stopping.requested.set()
    try:
        assert runner.run(line, run_id) == "stopped"
    finally:
        stopping.requested.clear()
    assert rescue.rescue({"work": line}) == 1
    assert handed_out() == [run_id]
    assert runner.run(line, run_id) == "good"

    [run] = found()
    assert (run.state, run.done, run.tries) == ("good", 7, 2)


def test_the_database_takes_one_wish_for_a_job_at_a_time(committed: Flask) -> None:
    add("three", asked_by="ana@shop.example")

    with pytest.raises(Exception, match="uq_job_runs_asked"):
        add("three", "running", at=DUE + timedelta(minutes=1), asked_by="ben@shop.example")


def test_a_wish_waits_for_the_run_that_is_on(committed: Flask) -> None:
    started, go = threading.Event(), threading.Event()

    def slow() -> int:
        started.set()
        assert go.wait(20)
        return 1

    line, first = Line(slow, Every(60)), add("slow")
    wish = add("slow", at=DUE + timedelta(minutes=1), asked_by="ana@shop.example")

    def run() -> str:
        with committed.app_context():
            return runner.run(line, first)

    with ThreadPoolExecutor(1) as pool:
        running_one = pool.submit(run)
        assert started.wait(10)
        assert runner.run(line, wish) == "skipped"
        go.set()
        assert running_one.result(20) == "good"
    handed_out()
    assert runner.run(line, wish) == "good"

    assert [(run.state, run.done) for run in found()] == [("good", 1), ("good", 1)]
