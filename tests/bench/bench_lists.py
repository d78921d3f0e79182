"""How long the list of payments takes with a million of them: first, 10,000th and last page, filtered, and as a download.

`python -m tests.bench.bench_lists [charges]`: times are those of the whole view, sign-in and template included, in one process
that talks to an embedded PostgreSQL over its socket. Figures are in docs/performance.md.
"""

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import event, text

from app import embedded
from app.charges.views import ChargesView
from app.database import db
from app.models.charge import Charge
from app.web.keyset import Cursors, Position
from tests.desk import staff
from tests.world import application

CHARGES = 1_000_000
PAGE = 50
ROUNDS = 30
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


def measure(charges: int = CHARGES) -> dict[str, str]:
    """Each page's median and slowest time in milliseconds, and the download's duration and memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = application(embedded.start(folder / "pg", durable=False), folder / "instance")
        try:
            with app.app_context():
                _fill(charges)
                desk = staff(app, "admin")
                pages = _pages(app, charges)
                db.session.remove()
            figures = {label: _times(app, desk.client, path) for label, path in pages.items()}
            figures["download"] = _download(desk.client)
            return figures
        finally:
            with app.app_context():
                db.engine.dispose()
            embedded.stop(folder / "pg")


def _fill(charges: int) -> None:
    upgrade()
    db.session.execute(text("INSERT INTO accounts (stripe_id, livemode, created_at) VALUES ('acct_1', false, now())"))
    db.session.execute(FILL, {"charges": charges})
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE charges"))


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


def _times(app: Flask, client: FlaskClient, path: str) -> str:
    taken: list[float] = []
    statements: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = client.get(path)
        taken.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    return (
        f"{statistics.median(taken):6.1f} ms, slowest {max(taken):6.1f} ms, {len(statements) / ROUNDS:.0f} statements"
    )


def _download(client: FlaskClient) -> str:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    size = lines = 0
    answer = client.get("/admin/charges/export.csv", buffered=False)
    for chunk in answer.response:
        size += len(chunk)
        lines += chunk.count(b"\n") if isinstance(chunk, bytes) else chunk.count("\n")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    seconds = time.perf_counter() - started
    return f"{lines:,} lines, {size / 1e6:,.0f} MB in {seconds:.0f} s; memory grew by {grown:.0f} MB"


if __name__ == "__main__":
    for label, figure in measure(*(int(word) for word in sys.argv[1:2])).items():
        sys.stdout.write(f"{label:<16} {figure}\n")
