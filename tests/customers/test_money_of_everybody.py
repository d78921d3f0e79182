"""What the pages say of money is what the ledger says, for every customer of a shop with a history."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.cli import take_in
from app.database import db
from app.gateways.current import gateway
from app.money import MinorUnits, Money
from app.sync import operations
from tests.desk import staff
from tests.sandbox.client import ROOT, running
from tests.servers import drop_database, fresh_database
from tests.world import application

# By the ledger alone and by its sources, apart from the product's own question: which lines are whose follows from Stripe's ids.
LEDGER = text("""
    SELECT owner, currency,
        sum(amount) FILTER (WHERE category IN ('charge', 'charge_failure', 'partial_capture_reversal')) AS gross,
        sum(amount) FILTER (WHERE category IN ('refund', 'refund_failure')) AS refunded,
        sum(amount) FILTER (WHERE category IN ('dispute', 'dispute_reversal')) AS disputed,
        sum(fee) AS fees, sum(net) AS net
    FROM (
        SELECT coalesce(c.customer_id, rc.customer_id, dc.customer_id) AS owner, t.currency, t.reporting_category AS category,
            t.amount, t.fee, t.net
        FROM balance_transactions t
        LEFT JOIN charges c ON c.id = t.source_id
        LEFT JOIN refunds r ON r.stripe_id = t.source_id LEFT JOIN charges rc ON rc.id = r.charge_id
        LEFT JOIN disputes d ON d.id = t.source_id LEFT JOIN charges dc ON dc.id = d.charge_id
    ) lines
    WHERE owner IS NOT NULL GROUP BY owner, currency ORDER BY owner, currency
""")


@pytest.fixture
def seeded(database_url: str, instance_dir: Path) -> Iterator[Flask]:
    """The product with all that a shop of three months left in Stripe."""
    url = fresh_database()
    try:
        command = [sys.executable, "-m", "app.sandbox", "seed", "--customers", "25", "--months", "3", "--seed", "11"]
        subprocess.run([*command, "--database-url", url], cwd=ROOT, check=True, capture_output=True)
        with running(url) as sandbox:
            app = application(database_url, instance_dir, stripe_api_base=sandbox.url)
            with app.app_context():
                operations.run(gateway().background, livemode=False, take_in=take_in)
                yield app
                db.session.remove()
                db.engine.dispose()
    finally:
        drop_database(url)


def test_each_customers_page_says_what_the_ledger_says(seeded: Flask) -> None:
    desk = staff(seeded, "finance")
    expected: dict[str, list[str]] = {key: [] for key in db.session.scalars(text("SELECT id FROM customers"))}
    for row in db.session.execute(LEDGER):
        expected[row.owner].append(_sums(row))
    db.session.rollback()

    missing = {}
    for customer, sums in expected.items():
        words = desk.get(f"/admin/customers/{customer}").words
        assert words.count("Gross ") == len(sums), customer
        if wrong := [line for line in sums if line not in words]:
            missing[customer] = (wrong, words)

    assert missing == {}
    every = " ".join(line for sums in expected.values() for line in sums)
    assert all(part in every for part in ("Refunded", "Disputed", "Fees"))
    assert len([sums for sums in expected.values() if sums]) > 10


def _sums(row: Any) -> str:
    lines = [("Gross", row.gross), ("Refunded", row.refunded), ("Disputed", row.disputed), ("Fees", -row.fees)]
    shown = [(label, minor or 0) for label, minor in lines if minor or label == "Gross"]
    return " ".join(_line(label, minor, row.currency) for label, minor in [*shown, ("Net", row.net)])


def _line(label: str, minor: int, currency: str) -> str:
    return (
        f"{label} {'−' if minor < 0 else ''}{Money(MinorUnits(abs(int(minor))), currency).grouped} {currency.upper()}"
    )
