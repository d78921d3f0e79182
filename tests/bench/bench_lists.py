"""How long the list of payments takes with a million of them: first, 10,001st and last page, filtered, and as a download.

`python -m tests.bench.bench_lists [charges]`: times are those of the whole view, sign-in and template included, in one process
that talks to an embedded PostgreSQL over its socket. Figures are in docs/performance.md.
"""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import event, text

from app import embedded
from app.charges.views import ChargesView
from app.database import db
from app.models.charge import Charge
from app.web.export import FORMATS
from app.web.keyset import Cursors, Position
from tests.bench.figures import say
from tests.desk import staff
from tests.world import application

CHARGES = 1_000_000
PAGE = 50
ROUNDS = 100
# Of the download so much is read; the rest would only take longer.
MOST_LINES = 300_000
FILL = text("""
    INSERT INTO charges (id, account_id, created_at, raw, seen_at, heard_at, rank, amount, amount_captured, amount_refunded,
        currency, status, captured, paid, refunded, disputed, customer_id, receipt_email, method_type, brand, last4, country)
    SELECT 'ch_' || lpad(n::text, 12, '0'), 1, timestamptz '2025-01-01' + n * interval '31 seconds', '\\x00', now(), now(), 1,
        100 + n % 90000, CASE WHEN n % 9 = 0 THEN 0 ELSE 100 + n % 90000 END, 0,
        (ARRAY['eur', 'usd', 'gbp', 'jpy', 'kwd'])[1 + n % 5], CASE WHEN n % 9 = 0 THEN 'failed' ELSE 'succeeded' END,
        n % 9 <> 0, n % 9 <> 0, false, n % 500 = 0, 'cus_' || n % 50000, 'person' || n % 50000 || '@example.com', 'card',
        (ARRAY['visa', 'mastercard', 'amex'])[1 + n % 3], lpad((n % 10000)::text, 4, '0'),
        (ARRAY['DE', 'US', 'GB', 'FR'])[1 + n % 4]
    FROM generate_series(1, :charges) n
""")
FILL_CUSTOMERS = text("""
    INSERT INTO customers (id, account_id, created_at, raw, seen_at, heard_at, rank, name, email)
    SELECT 'cus_' || n, 1, timestamptz '2025-01-01' + n * interval '10 minutes', '\\x00', now(), now(), 0, 'Person ' || n,
        'person' || n || '@example.com'
    FROM generate_series(0, 49999) n
""")


@dataclass
class Times:
    """Of one page, in milliseconds: the view as the visitor waits for it, its share of the CPU of this process, and PostgreSQL's
    own time for the statements, with the blocks of 8 KB it looked at."""

    median: float
    slowest: float
    cpu: float
    database: float
    blocks: int
    statements: int

    def __str__(self) -> str:
        return (
            f"{self.median:5.1f} ms, slowest {self.slowest:5.1f} ms; CPU of the process {self.cpu:.1f} ms, "
            f"PostgreSQL {self.database:.2f} ms and {self.blocks} blocks for {self.statements} statements"
        )


@dataclass
class Download:
    """Of one format. first: until its first byte, in milliseconds; cpu: of this process, seconds."""

    lines: int
    size_mb: float
    seconds: float
    cpu: float
    first: float
    grown_mb: float

    @property
    def million(self) -> float:
        """Seconds that a million lines would take at this pace."""
        return self.seconds / self.lines * 1e6

    def __str__(self) -> str:
        return (
            f"{self.lines:,} lines, {self.size_mb:,.0f} MB in {self.seconds:.0f} s ({self.million:.0f} s a million, CPU "
            f"{self.cpu / self.lines * 1e6:.0f} us a line); first byte after {self.first:.0f} ms; "
            f"memory grew by {self.grown_mb:.0f} MB"
        )


def measure(charges: int = CHARGES) -> tuple[dict[str, Times], dict[str, Download]]:
    """Each page's times, and what the beginning of a download of everything took, by format."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = application(embedded.start(folder / "pg", durable=False), folder / "instance")
        try:
            with app.app_context():
                _fill(charges)
                desk = staff(app, "admin")
                pages = _pages(app, charges)
                db.session.remove()
            times = {label: _times(app, desk.client, path) for label, path in pages.items()}
            return times, {end: _download(app, desk.client, end) for end, _, _ in FORMATS}
        finally:
            with app.app_context():
                db.engine.dispose()
            embedded.stop(folder / "pg")


def _fill(charges: int) -> None:
    upgrade()
    db.session.execute(text("INSERT INTO accounts (stripe_id, livemode, created_at) VALUES ('acct_1', false, now())"))
    db.session.execute(FILL_CUSTOMERS)
    db.session.execute(FILL, {"charges": charges})
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE charges, customers"))


def _pages(app: Flask, charges: int) -> dict[str, str]:
    """Addresses as the pager would have made them."""
    start = (
        db.session.query(Charge.created_at, Charge.id)
        .order_by(Charge.created_at.desc(), Charge.id.desc())
        .offset(min(10_000 * PAGE, charges - PAGE) - 1)
        .first()
    )
    assert start is not None
    keyset = ChargesView().keyset("created", descending=True)
    cursor = Cursors(str(app.secret_key), keyset).write(Position("after", start.created_at, start.id))
    return {
        "first page": "/admin/charges/",
        "page 10,001": f"/admin/charges/?cursor={cursor}",
        "last page": "/admin/charges/?cursor=last",
        "failed ones": "/admin/charges/?status=failed",
        "last 4 = 4242": "/admin/charges/?q=4242",
    }


def _times(app: Flask, client: FlaskClient, path: str) -> Times:
    with statements(app) as asked:
        for _ in range(5):
            asked.clear()
            _open(client, path)
        last = list(asked)
    taken, used = [], []
    for _ in range(ROUNDS):
        started, cpu = time.perf_counter(), time.process_time()
        _open(client, path)
        used.append((time.process_time() - cpu) * 1000)
        taken.append((time.perf_counter() - started) * 1000)
    with app.app_context():
        plans = [explained(statement, values) for statement, values in last if statement.startswith("SELECT")]
    return Times(
        median=statistics.median(taken),
        slowest=max(taken),
        cpu=statistics.median(used),
        database=sum(plan["Planning Time"] + plan["Execution Time"] for plan in plans),
        blocks=sum(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] for plan in plans),
        statements=len(last),
    )


def _open(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)


@contextmanager
def statements(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database inside, with its values."""
    with app.app_context():
        engine = db.engine
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


def explained(statement: str, values: Any) -> dict[str, Any]:
    with db.engine.connect() as connection:
        [plan] = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values).scalar_one()
        return dict(plan)


def _download(app: Flask, client: FlaskClient, end: str) -> Download:
    before, lines = _most_memory(), _Lines(app)
    started, cpu, first, size = time.perf_counter(), time.process_time(), 0.0, 0
    answer = client.get(f"/admin/charges/export.{end}", buffered=False)
    with lines.counted():
        for chunk in answer.response:
            first = first or time.perf_counter() - started
            size += len(chunk)
            if lines.number > MOST_LINES:
                break
    answer.close()
    taken, used = time.perf_counter() - started, time.process_time() - cpu
    return Download(lines.number, size / 1e6, taken, used, first * 1000, _most_memory() - before)


def _most_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class _Lines:
    """How many rows of payments were read: the lines of a packed workbook cannot be counted from outside."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self._engine = db.engine
        self.number = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if "FROM charges" in statement:
                self.number += cursor.rowcount

        event.listen(self._engine, "after_cursor_execute", note)
        try:
            yield
        finally:
            event.remove(self._engine, "after_cursor_execute", note)


if __name__ == "__main__":
    pages, downloads = measure(*(int(word) for word in sys.argv[1:2]))
    for label, page in pages.items():
        say(f"{label:<16} {page}")
    for end, download in downloads.items():
        say(f"{end:<16} {download}")
