"""One due time is one run, whoever queues it and whoever dies meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select, text

from app.database import db, transaction
from app.models.job_run import JobRun
from app.timetable import queue
from jobs import runner
from jobs.holding import alone
from tests.jobs.lines import fail, line, three

DUE = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def runs() -> list[tuple[str, str, int | None, str | None]]:
    db.session.rollback()
    found = db.session.scalars(select(JobRun).order_by(JobRun.id).execution_options(populate_existing=True)).all()
    return [(run.job, run.state, run.done, run.error) for run in found]


def queued() -> list[tuple[str, int]]:
    return [
        tuple(row)
        for row in db.session.execute(text("SELECT task_name, (args->>'run_id')::int FROM procrastinate_jobs"))
    ]  # type: ignore[misc]


def taken() -> None:
    """As a worker does that takes everything and finishes it."""
    with transaction():
        db.session.execute(text("DELETE FROM procrastinate_jobs"))


def add_run(job: str = "three", state: str = "queued") -> int:
    with transaction():
        values = {"job": job, "state": state, "at": DUE}
        insert = "INSERT INTO job_runs (job, due_at, state) VALUES (:job, :at, :state) RETURNING id"
        return int(db.session.execute(text(insert), values).scalar_one())


def test_a_due_time_is_booked_and_queued_as_one(committed: Flask) -> None:
    assert queue.enqueue("three", DUE) is True

    [run] = db.session.scalars(select(JobRun)).all()
    assert (run.job, run.due_at, run.state) == ("three", DUE, "queued")
    assert queued() == [("three", run.id)]


def test_a_due_time_is_queued_once_even_after_it_was_done(committed: Flask) -> None:
    assert queue.enqueue("three", DUE) is True
    taken()

    assert queue.enqueue("three", DUE) is False
    assert queue.enqueue("other", DUE) is True
    assert [job for job, *_ in runs()] == ["three", "other"]
    assert [job for job, _ in queued()] == ["other"]


def test_what_still_waits_is_not_queued_a_second_time(committed: Flask) -> None:
    assert [queue.enqueue("three", DUE + timedelta(minutes=minute)) for minute in range(50)] == [True] + [False] * 49

    assert len(runs()) == len(queued()) == 1


def test_fifty_due_times_from_four_clocks_at_once_are_fifty_runs(committed: Flask) -> None:
    def ring(due_at: datetime) -> bool:
        with committed.app_context():
            return queue.enqueue("three", due_at)

    with ThreadPoolExecutor(4) as clocks:
        for minute in range(50):
            due_at = DUE + timedelta(minutes=minute)
            assert sorted(clocks.map(ring, [due_at] * 4)) == [False, False, False, True]
            taken()

    assert len(runs()) == 50


def test_a_run_is_kept_with_what_it_did(committed: Flask) -> None:
    run_id = add_run()

    assert runner.run(line(three), run_id) == "good"

    run = db.session.get_one(JobRun, run_id, populate_existing=True)
    assert (run.state, run.done, run.error) == ("good", 3, None)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.finished_at >= run.started_at


def test_a_failure_ends_in_the_history_without_its_secrets(committed: Flask) -> None:
    assert runner.run(line(fail), add_run("fail")) == "failed"

    assert runs() == [("fail", "failed", None, "ValueError: no luck with [secret]")]


def test_a_run_is_done_once_though_it_is_handed_out_twice(committed: Flask) -> None:
    times: list[int] = []

    def count() -> int:
        times.append(1)
        return 1

    run_id = add_run("count")

    assert [runner.run(line(count), run_id), runner.run(line(count), run_id)] == ["good", "skipped"]
    assert len(times) == 1


def test_a_job_never_runs_beside_itself(committed: Flask) -> None:
    started, go = threading.Event(), threading.Event()

    def slow() -> int:
        started.set()
        assert go.wait(10)
        return 1

    def run(run_id: int) -> str:
        with committed.app_context():
            return runner.run(line(slow), run_id)

    with transaction():
        insert = (
            "INSERT INTO job_runs (job, due_at, state) SELECT 'slow', at, 'queued' FROM unnest(:ats) AS at RETURNING id"
        )
        first, second = db.session.scalars(text(insert), {"ats": [DUE, DUE + timedelta(minutes=1)]}).all()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, first)
        assert started.wait(10)
        assert runner.run(line(slow), second) == "good"
        go.set()
        assert running.result(10) == "good"

    assert runs() == [("slow", "good", 1, None), ("slow", "good", 0, "It was still running since an earlier time.")]


def test_a_run_whose_process_died_is_written_off_by_the_next(committed: Flask) -> None:
    add_run("three", "running")
    with transaction():
        later = {"at": DUE + timedelta(minutes=1)}
        insert = "INSERT INTO job_runs (job, due_at, state) VALUES ('three', :at, 'queued') RETURNING id"
        next_id = db.session.execute(text(insert), later).scalar_one()

    assert runner.run(line(three), next_id) == "good"
    assert runs() == [("three", "failed", None, "Its process ended before it did."), ("three", "good", 3, None)]


def test_the_lock_of_a_dead_process_is_free_at_once(committed: Flask) -> None:
    with db.engine.connect() as holder, alone("three") as mine:
        assert mine is not None
        with alone("three") as second:
            assert second is None
        kill = "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        holder.execute(text(f"{kill} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"))
        with alone("three") as next_one:
            assert next_one is not None


def test_a_job_runs_by_hand_beside_the_timetable(committed: Flask) -> None:
    run = runner.run_now(line(three))

    assert (run.state, run.done) == ("good", 3)
