"""How long finding takes in PostgreSQL, with a million customers and ten million payments.

`python -m tests.bench.bench_search [customers] [charges] [folder]`: every search and list is asked through its page, different ones
of each kind; the time is that of all statements of the page together, until their rows had arrived. With a folder the database
stays there and is used again. Figures are in docs/performance.md.
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

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import event, text

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
SLOW = 0.1


@dataclass
class Times:
    """PostgreSQL's own milliseconds, of `len(taken)` different searches of one kind."""

    taken: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.taken)

    @property
    def p95(self) -> float:
        return sorted(self.taken)[int(len(self.taken) * 0.95) - 1]

    def __str__(self) -> str:
        return f"median {self.median:7.2f} ms, p95 {self.p95:7.2f} ms, slowest {max(self.taken):7.2f} ms"


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
            db.session.remove()
            desk = staff(app, "admin")
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
        "method": ("method=card", "method=sepa_debit", "method=klarna", "method=sofort"),
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
    return Times([_database_time(app, client, path) for path in paths])


def _database_time(app: Flask, client: FlaskClient, path: str) -> float:
    """Of the second time it is asked: what is asked all day is in memory."""
    for _ in range(2):
        with timed(app) as taken:
            answer = client.get(path)
    assert answer.status_code in {200, 302}, (path, answer.status_code)
    if sum(taken) > SLOW:
        say(f"    {sum(taken) * 1000:7.1f} ms  {path}")
    return sum(taken) * 1000


@contextmanager
def timed(app: Flask) -> Iterator[list[float]]:
    """The seconds each statement took that is asked inside, until its rows had arrived."""
    with app.app_context():
        engine = db.engine
    taken: list[float] = []

    def begin(connection: Any, *_: Any) -> None:
        connection.info["began"] = time.perf_counter()

    def end(connection: Any, *_: Any) -> None:
        taken.append(time.perf_counter() - connection.info["began"])

    def fail(context: Any) -> None:
        taken.append(time.perf_counter() - context.connection.info["began"])

    for name, listener in (("before_cursor_execute", begin), ("after_cursor_execute", end), ("handle_error", fail)):
        event.listen(engine, name, listener)
    try:
        yield taken
    finally:
        for name, listener in (("before_cursor_execute", begin), ("after_cursor_execute", end), ("handle_error", fail)):
            event.remove(engine, name, listener)


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:3]]
    for name, times in measure(*sizes, *(Path(word) for word in sys.argv[3:4])).items():
        say(f"{name:<36} {times}")
