"""The database dies under traffic and comes back: nothing crashes, nothing is promised that was not kept, nothing is lost."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests

from app import embedded
from app.database import db
from tests import invariants
from tests.sandbox.client import Sandbox
from tests.stack import Stack, eventually
from tests.system.browser import PASSWORD, Visitor
from tests.system.sending import Obj, send, told
from tests.world import WEBHOOK_SECRET, application

pytestmark = pytest.mark.timeout(300)
ANA = "ana@shop.example"
PER_SECOND = 20
UNAVAILABLE = 503


@dataclass
class Database:
    """An embedded server of this test's own, durable as in earnest."""

    folder: Path
    url: str = ""

    def start(self) -> None:
        self.url = embedded.start(self.folder, durable=True)

    def die(self) -> None:
        """What `pg_ctl stop -m immediate` does."""
        server = embedded.status(self.folder).pid
        assert server is not None
        os.kill(server, signal.SIGQUIT)
        eventually(lambda: not Path(f"/proc/{server}").exists())

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.url.replace("postgresql+psycopg2", "postgresql"), connect_timeout=5)
        try:
            with connection.cursor() as cursor:
                cursor.execute(question)
                return cursor.fetchall()
        finally:
            connection.close()


@dataclass
class Traffic:
    """One thing done twenty times a second from several threads; `answers` are the statuses in the order they came."""

    act: Callable[[], int]
    answers: list[int] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, *, threads: int = 4) -> None:
        self.threads = [threading.Thread(target=self._go_on, args=[threads / PER_SECOND]) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, status: int, times: int = 10) -> None:
        """Until it was answered so this many times from now on."""
        seen = len(self.answers)
        eventually(lambda: self.answers[seen:].count(status) >= times)

    def _go_on(self, pause: float) -> None:
        while not self.over.wait(pause):
            self.answers.append(self.act())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    server = Database(tmp_path / "pg")
    server.start()
    yield server
    embedded.stop(server.folder)


@pytest.fixture
def stack(database: Database, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(database.url, sandbox.url, WEBHOOK_SECRET, tmp_path / "instance")
    try:
        running.run("db", "upgrade")
        running.run("staff", "add", ANA, "--role", "support", "--password-stdin", given=PASSWORD)
        running.start_web(workers=2)
        running.start_jobs()
        yield running
    finally:
        running.stop()


def test_a_database_that_dies_under_traffic(stack: Stack, database: Database, sandbox: Sandbox) -> None:
    events = _events(sandbox, 400)
    unsent, refused, guard = list(events), [], threading.Lock()
    ana = Visitor(stack, ANA)

    def deliver() -> int:
        with guard:
            event = unsent.pop() if unsent else events[0]
        status = send(stack.url, event)
        if status != requests.codes.ok:
            refused.append(event)
        return status

    def look() -> int:
        answer = ana.get("/admin/charges/")
        assert "Traceback" not in answer.text
        return answer.status_code

    webhooks, pages = Traffic(deliver), Traffic(look)
    webhooks.start()
    pages.start()
    try:
        webhooks.wait_for(200)
        pages.wait_for(200)
        database.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
        )
        pages.wait_for(200)
        eventually(lambda: _good_runs(database))
        before = _good_runs(database)
        down_from = (len(webhooks.answers), len(pages.answers))
        database.die()
        # Often enough for every idle connection of every process to have been tried.
        webhooks.wait_for(UNAVAILABLE, times=40)
        pages.wait_for(UNAVAILABLE, times=40)
        assert requests.get(f"{stack.url}/health", timeout=5).status_code == requests.codes.ok
        down_to = (len(webhooks.answers), len(pages.answers))
        database.start()
        first = (send(stack.url, events[0]), ana.get("/admin/charges/").status_code)
        webhooks.wait_for(200)
        pages.wait_for(200)
        eventually(lambda: _good_runs(database) - before)
    finally:
        webhooks.stop()
        pages.stop()

    assert first == (200, 200)
    assert set(webhooks.answers) | set(pages.answers) == {200, UNAVAILABLE}, stack.log("web")
    # The first answers of the span were on their way when the server died, the last may have met its return.
    assert set(webhooks.answers[down_from[0] + 8 : down_to[0] - 8]) <= {UNAVAILABLE}
    assert set(pages.answers[down_from[1] + 8 : down_to[1] - 8]) <= {UNAVAILABLE}
    assert [process.poll() for process in stack.processes.values()] == [None, None]
    assert {send(stack.url, event) for event in [*refused, *unsent]} == {200}
    _nothing_is_lost(stack, sandbox, events)


def _events(sandbox: Sandbox, number: int) -> list[Obj]:
    sandbox.put(
        *({"id": f"cus_{n:04}", "object": "customer", "created": 1_790_000_000} for n in range(number)),
        event="customer.created",
    )
    return told(sandbox)


def _good_runs(database: Database) -> set[datetime]:
    question = "SELECT due_at FROM job_runs WHERE job = 'understand_events' AND state = 'good'"
    return {due_at for (due_at,) in database.ask(question)}


def _nothing_is_lost(stack: Stack, sandbox: Sandbox, events: list[Obj]) -> None:
    app = application(stack.database_url, stack.folder, stripe_api_base=sandbox.url)
    with app.app_context():
        eventually(lambda: not _waiting())
        invariants.events_came_to_an_end(sandbox, all_heard=True)
        invariants.acts_are_recorded()
        assert db.session.execute(db.text("SELECT count(*) FROM customers")).scalar_one() == len(events)
        db.session.remove()
        db.engine.dispose()


def _waiting() -> int:
    db.session.rollback()
    waiting: int = db.session.execute(
        db.text("SELECT count(*) FROM webhook_events WHERE state = 'waiting'")
    ).scalar_one()
    return waiting
