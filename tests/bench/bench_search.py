"""How long finding takes in PostgreSQL, with a million customers and ten million payments.

`python -m tests.bench.bench_search [customers] [charges] [folder]`: every search is asked through its page, twenty different ones
of each kind; the time is PostgreSQL's own, planning and running, of all statements of the page together, by EXPLAIN ANALYZE.
With a folder the database stays there and is used again. Figures are in docs/performance.md.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import text

from app import embedded
from app.database import db
from tests.bench.bench_lists import explained, statements
from tests.bench.figures import say
from tests.desk import staff
from tests.world import application

CUSTOMERS = 1_000_000
CHARGES = 10_000_000
ASKED = 20
BATCH = 250_000
FILL_CUSTOMERS = text("""
    INSERT INTO customers (id, account_id, created_at, raw, seen_at, heard_at, rank, name, email, country, metadata)
    SELECT 'cus_' || n, 1, timestamptz '2024-01-01' + n * interval '1 minute', '\\x00', now(), now(), 0, first || ' ' || last,
        lower(first) || '.' || lower(last) || n || '@' || (ARRAY['gmail.com', 'web.de', 'shop.example'])[1 + n % 3],
        (ARRAY['DE', 'US', 'GB', 'FR'])[1 + n % 4], jsonb_build_object('crm', 'C-' || n)
    FROM (
        SELECT n,
            (ARRAY['Anna', 'Jo', 'Maria', 'Peter', 'Łukasz', 'Ada', 'Grace', 'Alan', 'José', 'Mona', 'Berta', 'Otto', 'Ines',
                'Paul', 'Zoë', 'Karl', 'Lena', 'Tim', 'Eva', 'Noah', 'Mia', 'Emil', 'Ida', 'Hugo', 'Nora'])[1 + n % 25] AS first,
            (ARRAY['Berg', 'Linden', 'Schmidt', 'Mül', 'Hart', 'Wil', 'Rosen', 'Stein', 'Neu', 'Ober'])[1 + n / 25 % 10]
            || (ARRAY['mann', 'hofer', 'son', 'er', 'berg', 'feld', 'wald', 'thal', 'au', 'stad'])[1 + n / 250 % 10]
            || (ARRAY['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'k', 'l', 'm', 'n', 'o', 'p', 'r', 's', 't', 'u', 'w', 'z'])
                [1 + n / 2500 % 20] || (ARRAY['ey', 'is', 'ov', 'ek', 'in', 'us', 'ez', 'an', 'ic', 'os'])[1 + n / 50000 % 10]
                AS last
        FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n
    ) people
""")
FILL_CHARGES = text("""
    INSERT INTO charges (id, account_id, created_at, raw, seen_at, heard_at, rank, amount, amount_captured, amount_refunded,
        currency, status, captured, paid, refunded, disputed, customer_id, payment_intent_id, method_type, brand, last4, country,
        failure_code, decline_code)
    SELECT 'ch_' || lpad(n::text, 12, '0'), 1, timestamptz '2024-01-01' + n * interval '6 seconds', '\\x00', now(), now(), 1,
        amount, CASE WHEN failed THEN 0 ELSE amount END, CASE WHEN h % 40 = 1 AND NOT failed THEN amount ELSE 0 END,
        (ARRAY['eur', 'eur', 'eur', 'usd', 'usd', 'gbp', 'jpy'])[1 + h % 7], CASE WHEN failed THEN 'failed' ELSE 'succeeded' END,
        NOT failed, NOT failed, h % 40 = 1 AND NOT failed, h % 500 = 3 AND NOT failed, 'cus_' || 1 + h % :customers,
        'pi_' || n, CASE WHEN h % 10 < 8 THEN 'card' ELSE 'sepa_debit' END,
        CASE WHEN h % 10 < 8 THEN (ARRAY['visa', 'visa', 'mastercard', 'amex', 'jcb'])[1 + h / 10 % 5] END,
        lpad((h / 7 % 10000)::text, 4, '0'),
        CASE WHEN h % 2000 = 0 THEN 'IS' ELSE (ARRAY['DE', 'US', 'GB', 'FR', 'NL', 'ES'])[1 + h / 3 % 6] END,
        CASE WHEN failed THEN 'card_declined' END,
        CASE WHEN failed THEN (ARRAY['insufficient_funds', 'do_not_honor', 'generic_decline', 'expired_card', 'lost_card'])
            [1 + h / 9 % 5] END
    FROM (
        SELECT n, h, h % 9 = 0 AS failed, 100 + h / 11 % 900000 AS amount
        FROM (SELECT n, abs(hashint4(n)::bigint) AS h FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n) hashed
    ) paid
""")


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
                _fill(customers, charges)
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
            for code in ("lost_card", "expired_card")
        ],
        "e-mail, status": [f"email:anna.berg status:{state}" for state in ("failed", "refunded", "succeeded")],
    }
    found = {
        f"search, {name}": [f"/admin/search/?q={quote(q)}" for q in asked] for name, asked in typed.items() if asked
    }
    return found | _lists()


def _lists() -> dict[str, list[str]]:
    """The list of payments, three filters at a time."""
    filters = {
        "status": ("status=failed", "status=refunded", "status=disputed"),
        "amount": ("amount_from=5000", "amount_from=10&amount_to=20"),
        "currency": ("currency=eur", "currency=jpy"),
        "brand": ("brand=visa", "brand=jcb"),
        "country": ("country=DE", "country=IS"),
        "decline": ("decline=lost_card", "decline=insufficient_funds"),
        "method": ("method=card", "method=sepa_debit"),
        "days": ("created_from=2024-06-01&created_to=2024-06-30", "created_from=2025-01-01"),
    }
    names = list(filters)
    triples = [
        (a, b, c) for i, a in enumerate(names) for j, b in enumerate(names[i + 1 :], i + 1) for c in names[j + 1 :]
    ]
    chosen = ["&".join(filters[name][n % len(filters[name])] for name in triple) for n, triple in enumerate(triples)]
    return {"list, three filters": [f"/admin/charges/?{query}" for query in chosen]}


def _fill(customers: int, charges: int) -> None:
    """Without indexes first: they are made at the end, each in one go."""
    db.session.execute(text("INSERT INTO accounts (stripe_id, livemode, created_at) VALUES ('acct_1', false, now())"))
    for first in range(1, customers + 1, BATCH):
        db.session.execute(FILL_CUSTOMERS, {"first": first, "last": min(first + BATCH - 1, customers)})
        db.session.commit()
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'charges' AND indexdef NOT LIKE '%UNIQUE%'"
    known = db.session.execute(text(indexes)).all()
    for name, _ in known:
        db.session.execute(text(f"DROP INDEX {name}"))
    for first in range(1, charges + 1, BATCH):
        values = {"first": first, "last": min(first + BATCH - 1, charges), "customers": customers}
        db.session.execute(FILL_CHARGES, values)
        db.session.commit()
    for _, definition in known:
        db.session.execute(text(definition))
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE charges, customers, search_words"))


def _times(app: Flask, client: FlaskClient, paths: list[str]) -> Times:
    return Times([_database_time(app, client, path) for path in paths])


def _database_time(app: Flask, client: FlaskClient, path: str) -> float:
    """Of the second time it is asked: what is asked all day is in memory."""
    for _ in range(2):
        with statements(app) as asked:
            answer = client.get(path)
    assert answer.status_code in {200, 302}, (path, answer.status_code)
    with app.app_context():
        plans = [
            explained(statement, values) for statement, values in asked if statement.startswith(("SELECT", "WITH"))
        ]
    return sum(plan["Planning Time"] + plan["Execution Time"] for plan in plans)


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:3]]
    for name, times in measure(*sizes, *(Path(word) for word in sys.argv[3:4])).items():
        say(f"{name:<36} {times}")
