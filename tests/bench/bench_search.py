"""How long finding takes in PostgreSQL, with a million customers and ten million payments.

`python -m tests.bench.bench_search [customers] [charges] [folder]`: every search and list is asked through its page, different ones
of each kind; the times are of all statements of the page together: until their rows had arrived, and of the processor alone,
which says more on a busy machine. With a folder the database stays there and is used again. Figures are in docs/performance.md.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import Connection, ExceptionContext, event, text

from app import embedded
from app.database import db
from tests.bench import large_shop
from tests.bench.figures import say
from tests.desk import staff
from tests.world import application

CUSTOMERS = 1_000_000
CHARGES = 10_000_000
ASKED = 20
# What took longer is told by its address.
SLOW_MS = 50


@dataclass
class Times:
    """Milliseconds of different searches of one kind: until the rows had arrived, and those PostgreSQL's processor was at work."""

    taken: Sequence[float]
    used: Sequence[float]

    @property
    def p95(self) -> float:
        return _p95(self.taken)

    def __str__(self) -> str:
        both = [f"{statistics.median(ms):7.2f} / {_p95(ms):7.2f} / {max(ms):7.2f}" for ms in (self.taken, self.used)]
        return f"median / p95 / slowest: {both[0]} ms, of the processor {both[1]} ms"


def _p95(taken: Sequence[float]) -> float:
    return sorted(taken)[max(round(len(taken) * 0.95) - 1, 0)]


def measure(customers: int = CUSTOMERS, charges: int = CHARGES, folder: Path | None = None) -> dict[str, Times]:
    """The times of every kind of search, by its name."""
    if folder is None:
        with tempfile.TemporaryDirectory() as name:
            return measure(customers, charges, Path(name))
    app = application(embedded.start(folder / "pg", durable=False), folder / "instance")
    try:
        with app.app_context():
            upgrade()
            if not db.session.scalar(text("SELECT 1 FROM customers LIMIT 1")):
                large_shop.fill(customers, charges)
            # One process for each question, so that its processor's time is the whole of it.
            db.session.execute(text("ALTER DATABASE counterfoil SET max_parallel_workers_per_gather = 0"))
            db.session.commit()
            db.session.remove()
            db.engine.dispose()
            # A folder that is used again knows those who came before.
            desk = staff(app, "admin", email=f"bench-{uuid4()}@shop.example")
            db.session.remove()
        return {name: _times(app, desk.client, paths) for name, paths in _searches(customers, charges).items()}
    finally:
        with app.app_context():
            db.engine.dispose()
        embedded.stop(folder / "pg")


def _searches(customers: int, charges: int) -> dict[str, list[str]]:
    some = [1 + n * (customers - 1) // ASKED for n in range(ASKED)]
    paid = [1 + n * (charges - 1) // ASKED for n in range(ASKED)]
    names = (
        "Anna Berg",
        "Linden",
        "Mona Schmidtmann",
        "otto hart",
        "Zoë Rosen",
        "Steinfeld",
        "lukasz ober",
        "jose neu",
    )
    typed = {
        "e-mail, whole": [f"anna.bergmannaey{n}@gmail.com" for n in some],
        "e-mail, begun": ["anna.bergm", "jo.linden", "maria.schmidt", "peter.mul", "ada.rosen", "karl.hart"],
        "name": names,
        "name, one letter wrong": (
            "Schmitdmannaey",
            "Bergmanaey",
            "Lindenhoferbet",
            "anna Bergmannaex",
            "Rosenfeldciz",
        ),
        "cus_ id": [f"cus_{n}" for n in some],
        "pi_ id": [f"pi_{n}" for n in paid],
        "ch_ id": [f"ch_{n:012}" for n in paid],
        "last 4": [f"{n * 397 % 10_000:04}" for n in range(ASKED)],
        "metadata": [f"C-{n}" for n in some],
        "status, amount, brand": [f"status:failed amount:>{n * 400} brand:visa" for n in range(ASKED)],
        "status, country, decline": [
            f"status:failed country:{country} decline:{code}"
            for country in ("DE", "US", "FR", "IS")
            for code in ("lost_card", "expired_card", "pickup_card")
        ],
        "exact amount, brand": [f"amount:{n * 7 + 137}.42 brand:visa" for n in range(ASKED)],
        "rare currency, method": [
            "currency:isk method:klarna",
            "currency:isk status:refunded",
            "currency:chf method:klarna",
        ],
        "old brand, status": ["brand:discover status:disputed", "brand:discover status:failed country:IS"],
        "card of a refund": [
            "in:refunds brand:jcb country:PT",
            "in:refunds country:IS",
            "in:refunds last4:4242",
            "in:refunds brand:visa currency:isk",
            "in:disputes brand:jcb status:won",
            "in:disputes country:PT reason:fraudulent",
        ],
        "e-mail, status": [f"email:anna.berg status:{state}" for state in ("failed", "refunded", "succeeded")],
    }
    found = {
        f"search, {name}": [f"/admin/search/?q={quote(q)}" for q in asked] for name, asked in typed.items() if asked
    }
    return found | _lists()


def _lists() -> dict[str, list[str]]:
    """The list of payments, three filters at a time: common, rare, and given up long ago."""
    filters = {
        "status": ("status=failed", "status=refunded", "status=succeeded", "status=disputed", "status=blocked"),
        "amount": ("amount_from=5000", "amount_from=10&amount_to=20", "amount_from=137.42&amount_to=137.42"),
        "currency": ("currency=eur", "currency=jpy", "currency=isk"),
        "brand": ("brand=visa", "brand=jcb", "brand=discover"),
        "country": ("country=DE", "country=IS", "country=PT"),
        "decline": ("decline=insufficient_funds", "decline=lost_card", "decline=pickup_card"),
        "method": ("method=card", "method=sepa_debit", "method=klarna", "method=ideal"),
        "days": ("created_from=2024-06-01&created_to=2024-06-30", "created_from=2025-01-01", "created_from=2025-11-20"),
    }
    turns = {name: cycle(values) for name, values in filters.items()}
    triples = [triple for triple in combinations(filters, 3) for _ in range(4)]
    asked = ["&".join(next(turns[name]) for name in triple) for triple in triples]
    alone = [value for values in filters.values() for value in values]
    return {
        "list, one filter": [f"/admin/charges/?{query}" for query in alone],
        "list, three filters": [f"/admin/charges/?{query}" for query in asked],
        "list, three filters, last page": [f"/admin/charges/?{query}&cursor=last" for query in asked[::4]],
    }


def _times(app: Flask, client: FlaskClient, paths: list[str]) -> Times:
    both = [_database_time(app, client, path) for path in paths]
    return Times([taken for taken, _ in both], [used for _, used in both])


def _database_time(app: Flask, client: FlaskClient, path: str) -> tuple[float, float]:
    """Of the second time it is asked: what is asked all day is in memory."""
    for _ in range(2):
        with timed(app) as statements:
            answer = client.get(path)
    assert answer.status_code in {200, 302}, (path, answer.status_code)
    taken, used = (sum(times) * 1000 for times in zip(*statements, strict=True))
    if used > SLOW_MS:
        say(f"    {taken:7.1f} ms, of the processor {used:7.1f}  {path}")
    return taken, used


@contextmanager
def timed(app: Flask) -> Iterator[list[tuple[float, float]]]:
    """The seconds of each statement that is asked inside: until its rows had arrived, and those its server process was at work."""
    with app.app_context():
        engine = db.engine
    taken: list[tuple[float, float]] = []

    def begin(connection: Connection, *_: Any) -> None:
        connection.info["began"] = _clocks(connection)

    def end(connection: Connection, *_: Any) -> None:
        began = connection.info["began"]
        taken.append(tuple(now - then for now, then in zip(_clocks(connection), began, strict=True)))  # type: ignore[arg-type]

    def fail(context: ExceptionContext) -> None:
        if context.connection is not None:
            end(context.connection)

    listeners: tuple[tuple[str, Any], ...] = (
        ("before_cursor_execute", begin),
        ("after_cursor_execute", end),
        ("handle_error", fail),
    )
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield taken
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


def _clocks(connection: Connection) -> tuple[float, float]:
    pid = connection.connection.get_backend_pid()  # type: ignore[attr-defined]
    return time.perf_counter(), int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:3]]
    for name, times in measure(*sizes, *(Path(word) for word in sys.argv[3:4])).items():
        say(f"{name:<36} {times}")
