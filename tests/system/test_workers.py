"""Web workers that are killed and born again under load: no connection is shared, nothing hangs, no transaction is left open."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.sandbox.client import Sandbox
from tests.stack import Stack, eventually
from tests.system.browser import PASSWORD, Visitor
from tests.system.sending import send
from tests.webhooks.signing import customer, event
from tests.world import WEBHOOK_SECRET

pytestmark = pytest.mark.timeout(180)
ANA = "ana@shop.example"
WORKERS = 3
# What a connection says that two processes use at once.
SHARED = re.compile(
    r"SSL|bad record|transaction in progress|lost synchronization|already closed|Traceback", re.IGNORECASE
)
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"


@pytest.fixture
def stack(database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    try:
        running.run("staff", "add", ANA, "--role", "support", "--password-stdin", given=PASSWORD)
        running.start_web(workers=WORKERS)
        running.start_jobs()
        yield running
    finally:
        running.stop()


def children(stack: Stack) -> set[int]:
    """The workers of the web server."""
    parent = stack.processes["web"].pid
    return {int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()}


def ask(stack: Stack, question: str) -> int:
    connection = psycopg2.connect(stack.database_url.replace("postgresql+psycopg2", "postgresql"))
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            return int(cursor.fetchall()[0][0])
    finally:
        connection.close()


def test_workers_are_killed_one_after_the_other_under_load(stack: Stack) -> None:
    ana = Visitor(stack, ANA)
    over, guard = threading.Event(), threading.Lock()
    pages: list[int] = []
    kept: set[str] = set()
    numbers = iter(range(1_000_000))

    def look() -> None:
        while not over.is_set():
            try:
                pages.append(ana.get("/admin/customers/").status_code)
            except OSError:  # its worker was killed
                pages.append(0)

    def deliver() -> None:
        while not over.is_set():
            with guard:
                number = next(numbers)
            if send(stack.url, event("customer.created", customer(f"cus_{number}"), id=f"evt_{number}")) == 200:
                kept.add(f"cus_{number}")

    threads = [threading.Thread(target=act) for act in (look, look, deliver, deliver)]
    for thread in threads:
        thread.start()
    try:
        first = eventually(lambda: children(stack) if len(children(stack)) == WORKERS else set())
        for victim in sorted(first):
            seen = len(pages)
            os.kill(victim, signal.SIGKILL)
            eventually(lambda seen=seen: pages[seen:].count(200) >= 5)  # type: ignore[misc]
        eventually(lambda: len(children(stack) - first) == WORKERS)
        seen = len(pages)
        eventually(lambda: pages[seen:].count(200) >= 20)
    finally:
        over.set()
        for thread in threads:
            thread.join()

    assert set(pages) <= {200, 0}
    assert [line for line in stack.log("web").splitlines() if SHARED.search(line)] == []
    assert SHARED.search(stack.log("jobs")) is None
    there = ask(stack, "SELECT count(*) FROM customers")
    assert there >= len(kept) > 0
    eventually(lambda: ask(stack, BUSY) == 0)


def test_workers_that_are_replaced_in_order_go_on_answering(stack: Stack) -> None:
    """What `--workers-lifetime` and `--workers-max-rss` do, at the push of a button."""
    first = eventually(lambda: children(stack) if len(children(stack)) == WORKERS else set())

    os.kill(stack.processes["web"].pid, signal.SIGHUP)
    statuses = [send(stack.url, event("customer.created", customer(f"cus_{n}"))) for n in range(50)]
    eventually(lambda: len(children(stack) - first) == WORKERS and not children(stack) & first)
    eventually(stack.is_up)  # a new process is there before it answers
    statuses += [send(stack.url, event("customer.created", customer(f"cus_{n}"))) for n in range(50, 100)]

    assert set(statuses) <= {200, 0}
    assert statuses[50:] == [200] * 50
    assert ask(stack, "SELECT count(*) FROM customers") >= statuses.count(200)
    assert [line for line in stack.log("web").splitlines() if SHARED.search(line)] == []
    # One clock among all of them: each due time was booked once, by the one process that has a clock.
    assert (
        ask(stack, "SELECT count(*) FROM (SELECT 1 FROM job_runs GROUP BY job, due_at HAVING count(*) > 1) twice") == 0
    )
