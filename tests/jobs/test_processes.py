"""Clocks and workers as real processes: several at once, ended in order, killed, and cut off from their database."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from app import embedded
from tests.stack import Stack, eventually, free_port
from tests.webhooks.signing import customer, event, post
from tests.world import WEBHOOK_SECRET, application


def stack_on(database_url: str, folder: Path) -> Stack:
    """Stripe is nobody here: no job of these tests asks it anything."""
    return Stack(database_url, f"http://127.0.0.1:{free_port()}", WEBHOOK_SECRET, folder)


@pytest.fixture
def started(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    stack = stack_on(database_url, tmp_path)
    yield stack
    stack.stop()


def ask(database_url: str, question: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(database_url.replace("postgresql+psycopg2", "postgresql"), connect_timeout=5)
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchall()
    finally:
        connection.close()


def good_runs(database_url: str) -> Callable[[], set[datetime]]:
    question = "SELECT due_at FROM job_runs WHERE job = 'understand_events' AND state = 'good'"
    return lambda: {due_at for (due_at,) in ask(database_url, question)}


def test_several_instances_run_each_due_time_once_and_end_in_order(started: Stack) -> None:
    for name in ("one", "two", "three"):
        started.start(name, *started.flask("jobs", "start"))
    runs = good_runs(started.database_url)
    eventually(lambda: len(runs()) >= 3)
    for process in started.processes.values():
        process.send_signal(signal.SIGTERM)
    codes = [process.wait(20) for process in started.processes.values()]

    assert codes == [0, 0, 0]
    # The engine counts its own deeds: each run was handed out once.
    done = "".join(started.log(name) for name in started.processes)
    told = [line for line in done.splitlines() if '"job.done"' in line]
    assert len(told) == len(set(told))
    [(finished,)] = ask(started.database_url, "SELECT count(*) FROM job_runs WHERE state = 'good'")
    assert len(told) == finished
    assert ask(started.database_url, "SELECT DISTINCT state FROM job_runs") == [("good",)]
    assert ask(started.database_url, "SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_a_killed_instance_leaves_nothing_that_stops_the_next(started: Stack) -> None:
    runs = good_runs(started.database_url)
    started.start("jobs", *started.flask("jobs", "start"))
    eventually(runs)
    started.kill("jobs")
    before = runs()

    started.start("jobs", *started.flask("jobs", "start"))

    eventually(lambda: runs() - before)


def test_a_database_that_dies_and_returns_is_survived_by_every_process(tmp_path: Path) -> None:
    # Durable as in earnest: what was committed must survive the end of the server.
    database_url = embedded.start(tmp_path / "pg", durable=True)
    stack = stack_on(database_url, tmp_path / "instance")
    try:
        stack.run("db", "upgrade")
        stack.start_jobs()
        runs = good_runs(database_url)
        eventually(runs)
        client = application(database_url, tmp_path / "instance").test_client()
        assert post(client, event("customer.created", customer("cus_1"))).status_code == 200
        before = runs()

        server = embedded.status(tmp_path / "pg").pid
        assert server is not None
        os.kill(server, signal.SIGQUIT)  # what `pg_ctl stop -m immediate` does
        eventually(lambda: not Path(f"/proc/{server}").exists())
        assert post(client, event("customer.created", customer("cus_2"))).status_code == 503
        with pytest.raises(subprocess.TimeoutExpired):
            stack.processes["jobs"].wait(6)
        assert embedded.start(tmp_path / "pg", durable=True) == database_url

        assert post(client, event("customer.created", customer("cus_2"))).status_code == 200
        eventually(lambda: runs() - before, within=15)
        assert stack.processes["jobs"].poll() is None
        assert ask(database_url, "SELECT count(*) FROM customers") == [(2,)]
        assert ask(database_url, "SELECT count(*) FROM job_runs WHERE job = 'keep_house'") == [(1,)]
    finally:
        stack.stop()
        embedded.stop(tmp_path / "pg")
