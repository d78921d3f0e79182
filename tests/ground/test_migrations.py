"""A new release is installed while the old one works."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from app.database import db, transaction
from tests import factories

# Written all day, and large. Refunds and disputes are hundreds of times fewer.
BUSY = (
    "charges",
    "customers",
    "payment_intents",
    "payment_methods",
    "balance_transactions",
    "webhook_events",
    "gateway_calls",
)
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?(\S+) ON (\w+)")
# The first tables are made empty by these; there is nothing that could be busy.
FOUNDATION = "0006"


@contextmanager
def _statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _before(name: str) -> str:
    """The revision before the migration of this name, whatever its number is by now."""
    [found] = (Path(__file__).parents[2] / "migrations" / "versions").glob(f"[0-9]*_{name}.py")
    return f"{int(found.name[:4]) - 1:04}"


def _words() -> set[tuple[str, str]]:
    found = db.session.execute(text("SELECT customer_id, word FROM search_words WHERE kind IN ('n', 'a')"))
    return {(row.customer_id, row.word) for row in found}


def test_no_release_locks_a_busy_table_while_it_builds_an_index(committed: Flask) -> None:
    downgrade(revision=FOUNDATION)

    with _statements() as asked:
        upgrade()

    built = [found.groups() for statement in asked if (found := _INDEX.search(statement))]
    assert ("uq_acts_one_in_flight", "acts") in built
    assert [index for index in built if index[1] in BUSY] == []
    assert any("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_charges_facets" in statement for statement in asked)


def test_an_index_is_built_while_somebody_reads_for_longer_than_a_lock_is_waited_for(committed: Flask) -> None:
    downgrade(revision="0022")
    reading, done = db.engine.connect(), threading.Event()
    reading.execute(text("SELECT count(*) FROM charges"))

    def read_on() -> None:
        time.sleep(4)
        reading.rollback()
        done.set()

    threading.Thread(target=read_on).start()
    upgrade()

    assert done.is_set()
    reading.close()
    assert _invalid() == []


def test_an_index_whose_building_was_broken_off_is_built_again(committed: Flask) -> None:
    factories.charge()
    downgrade(revision=_before("facets"))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = '300ms'"))
        with db.engine.connect() as writing:
            writing.execute(text("UPDATE charges SET amount = amount"))
            with pytest.raises(OperationalError, match="statement timeout"):
                connection.execute(
                    text("CREATE INDEX CONCURRENTLY ix_charges_account_id_amount ON charges (account_id, amount)")
                )
        connection.execute(text("SET statement_timeout = 0"))
    assert _invalid() == ["ix_charges_account_id_amount"]

    upgrade()

    assert _invalid() == []
    made = "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_charges_account_id_amount'"
    assert "(account_id, amount)" in db.session.execute(text(made)).scalar_one()


def test_customers_who_were_there_before_are_found_by_their_words_and_those_who_change_meanwhile_by_their_new_ones(
    committed: Flask,
) -> None:
    factories.account()
    downgrade(revision="0022")
    factories.customer(id="cus_1", name="Mona Berg", email="mona@example.com")
    factories.customer(id="cus_2", name="Jo Linden", email=None)
    with transaction():
        # As if they had come before there were words.
        db.session.execute(text("TRUNCATE search_words"))
    changing = db.engine.connect()
    changing.execute(text("UPDATE customers SET name = 'Mona Stein', email = NULL WHERE id = 'cus_1'"))
    waited = threading.Event()

    def commit_once_waited_for() -> None:
        deadline = time.monotonic() + 20
        blocked = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%search_words%'"
        )
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
            while time.monotonic() < deadline and not watching.execute(blocked).scalar():
                time.sleep(0.02)
            waited.set()
        changing.commit()

    with committed.app_context():
        other = threading.Thread(target=_in(committed, commit_once_waited_for))
        other.start()
        upgrade()
        other.join()

    changing.close()
    assert waited.is_set()
    assert _words() == {
        ("cus_1", "mona stein"),
        ("cus_1", "stein mona"),
        ("cus_2", "jo linden"),
        ("cus_2", "linden jo"),
    }


def test_holds_that_were_there_before_learn_when_they_end_at_the_latest(committed: Flask) -> None:
    downgrade(revision="0022")
    held = factories.charge(captured=False, amount_captured=0, brand="visa", capture_before=None)
    other = factories.charge(captured=False, amount_captured=0, brand="amex", capture_before=None)
    told = factories.charge(captured=False, amount_captured=0, brand="amex", capture_before=factories.NOON)
    paid = factories.charge(capture_before=None)

    upgrade()

    ends = db.session.execute(text("SELECT id, capture_before - created_at AS after FROM charges")).all()
    hours = {row.id: row.after and row.after.total_seconds() / 3600 for row in ends}
    assert hours == {held.id: 4 * 24 + 18, other.id: 7 * 24, told.id: hours[told.id], paid.id: None}
    assert (
        db.session.execute(text("SELECT capture_before FROM charges WHERE id = :id"), {"id": told.id}).scalar()
        == factories.NOON
    )


def _in(app: Flask, work: Any) -> Any:
    def run() -> None:
        with app.app_context():
            work()

    return run


def _invalid() -> list[str]:
    broken = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    found = list(db.session.execute(text(broken)).scalars())
    db.session.rollback()
    return found
