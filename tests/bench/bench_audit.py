"""What the trail costs with a million entries: written, downloaded whole, and checked link by link.

`python -m tests.bench.bench_audit [entries]`: some are written through the trigger that chains them, as the product does, and
checked; the rest, which are only downloaded, past it. Memory is the most this process ever held, with interpreter and libraries.
Figures are in docs/performance.md.
"""

import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import text

from app import embedded
from app.audit import chain
from app.database import db
from tests.bench.figures import say
from tests.desk import staff
from tests.world import application

ENTRIES = 1_000_000
CHAINED = 20_000
_AT_ONCE = 50_000
_FILL = text("""
    INSERT INTO audit_logs (id, at, actor_kind, actor, action, object_type, object_id, account_id, reason, before, after, ip,
        request_id, previous_hash, hash)
    OVERRIDING SYSTEM VALUE
    SELECT n + 1000, timestamptz '2025-01-01' + n * interval '31 seconds', 'staff', 'person' || n % 40 || '@shop.example',
        'refund.requested', 'refund', md5(n::text), NULL, 'The parcel arrived broken, number ' || n,
        jsonb_build_object('refundable', n % 90000 || '.00 EUR'),
        jsonb_build_object('amount', n % 90000 || '.00 EUR', 'charge', 'ch_' || n), '203.0.113.7', 'req-' || n, '', ''
    FROM generate_series(:first, :last) n
""")


@dataclass
class Download:
    """Of one format: lines, megabytes, seconds, and the most memory of the process in MB before and after."""

    lines: int
    size_mb: float
    seconds: float
    before_mb: float
    most_mb: float

    def __str__(self) -> str:
        return (
            f"{self.lines:,} lines, {self.size_mb:,.0f} MB in {self.seconds:.0f} s; "
            f"memory {self.before_mb:.0f} MB before, {self.most_mb:.0f} MB at most"
        )


def measure(
    entries: int = ENTRIES, chained: int = CHAINED, formats: tuple[str, ...] = ("csv", "jsonl")
) -> tuple[float, float, dict[str, Download]]:
    """Milliseconds to write one entry, and to check one; and each download of all of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = application(embedded.start(folder / "pg", durable=False), folder / "instance")
        try:
            with app.app_context():
                upgrade()
                desk = staff(app, "auditor")
                began = time.perf_counter()
                _fill(2, chained)
                writing = (time.perf_counter() - began) / chained * 1_000
                began = time.perf_counter()
                assert chain.verify() is None
                checking = (time.perf_counter() - began) / chained * 1_000
                db.session.rollback()
                db.session.execute(text("ALTER TABLE audit_logs DISABLE TRIGGER ALL"))
                db.session.commit()
                _fill(chained + 1_000, entries)
                db.session.execute(text("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_chain"))
                db.session.commit()
                db.session.remove()
            return writing, checking, {end: _download(desk.client, end) for end in formats}
        finally:
            with app.app_context():
                db.engine.dispose()
            embedded.stop(folder / "pg")


def _fill(first: int, last: int) -> None:
    for start in range(first, last + 1, _AT_ONCE):
        db.session.execute(_FILL, {"first": start, "last": min(start + _AT_ONCE - 1, last)})
        db.session.commit()


def _download(client: FlaskClient, end: str) -> Download:
    before, began, lines, size = _most(), time.perf_counter(), 0, 0
    answer = client.get(f"/admin/audit/export.{end}", buffered=False)
    for piece in answer.response:
        size += len(piece)
        lines += piece.count(b"\n")  # type: ignore[arg-type] # a download is bytes
    answer.close()
    return Download(lines, size / 1e6, time.perf_counter() - began, before, _most())


def _most() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    written, checked, found = measure(number, min(number, CHAINED))
    say(f"Writing an entry: {written:.2f} ms; checking one: {checked:.3f} ms")
    for ending, download in found.items():
        say(f"{ending}: {download}")
