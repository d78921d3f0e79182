"""What a dump of the database still says of an erased person, and what is left when the job dies in the middle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg2
import pytest
from flask import Flask

from app.audit import chain
from app.customers.erasing import operations
from app.customers.erasing.tables import MIRRORED
from app.database import db
from app.models.erasure import Erasure, ErasureStep
from app.webhooks import inbox
from app.webhooks.envelope import of
from jobs.erase_persons import erase_persons
from tests.customers.erasing.dumping import dump, tables_holding
from tests.customers.erasing.looking import everything, holding
from tests.customers.erasing.person import ANA, Person
from tests.stack import ROOT, eventually

MARK, PHONE = "quetzalcoatl", "55121234"
HELD = 4_711
_HOLD = f"""
    CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared({HELD}); RETURN NEW; END $$
"""
_WAITING = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {HELD} AND NOT granted"


@pytest.fixture
def mona(committed: Flask) -> Person:
    person = Person("mona1", MARK)
    person.arrive()
    person.be_worked_on()
    return person


def test_no_dump_holds_the_address_the_name_the_street_or_the_phone(mona: Person, database_url: str) -> None:
    before = dump(database_url)
    assert tables_holding(before, MARK) >= {
        *MIRRORED,
        *("webhook_events", "search_words", "audit_logs", "notes", "mails", "mail_attachments", "sign_in_attempts"),
    }
    assert tables_holding(before, PHONE) >= {"customers", "charges", "webhook_events"}

    _erase(mona)
    assert erase_persons() == 1
    for event in mona.events(second=9):
        inbox.take_in([of(event)])
    erase_persons()

    after = dump(database_url)
    assert tables_holding(after, MARK, PHONE) == set()
    assert len([line for line in after if line.startswith("charges ") and "ch_mona1" in line and "5000" in line]) == 1
    assert tables_holding(after, "mona1") >= {*MIRRORED, "webhook_events", "audit_logs"}


def test_kill_9_anywhere_in_the_job_is_made_good_by_the_next_run(
    mona: Person, database_url: str, tmp_path: Path
) -> None:
    erasure_id, reached = _erase(mona), []
    # Not `with connect(…)`, which would keep a transaction open, and the job waits for those.
    with closing(psycopg2.connect(database_url)) as outside:
        outside.autocommit = True
        outside.cursor().execute(_HOLD)
        for table in ("charges", "notes", "audit_logs"):
            with _held(outside, table):
                _killed_while_it_waits(outside, tmp_path)
            reached.append(_steps_done(erasure_id))
            assert table in {place.split()[0] for place in holding([MARK])}
    assert sorted(set(reached)) == reached, "each run goes on where the one before was killed"

    assert erase_persons() == 1

    assert holding([MARK]) == []
    assert db.session.get_one(Erasure, erasure_id, populate_existing=True).state == "done"
    assert chain.verify() is None
    ended = everything()
    assert erase_persons() == 0
    assert everything() == ended
    db.session.rollback()


def _erase(person: Person) -> UUID:
    begun = operations.begin(
        uuid4(), person.customer_id, account_id=person.account_id, reason="Asked to be forgotten",
        forced_because=None, actor=ANA,
    )  # fmt: skip
    db.session.rollback()
    return begun.id


@contextmanager
def _held(outside: psycopg2.extensions.connection, table: str) -> Iterator[None]:
    """Whoever changes a row of this table waits meanwhile."""
    with outside.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_lock({HELD})")
        cursor.execute(f"CREATE TRIGGER held BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION held()")
        yield
        cursor.execute(f"SELECT pg_advisory_unlock({HELD})")
        cursor.execute(f"DROP TRIGGER held ON {table}")


def _killed_while_it_waits(outside: psycopg2.extensions.connection, folder: Path) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        "INSTANCE_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
    }
    words = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "run", "erase_persons"]
    with (
        subprocess.Popen(words, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL) as job,
        outside.cursor() as cursor,
    ):
        while True:
            cursor.execute(_WAITING)
            if cursor.fetchone() != (0,):
                break
            assert job.poll() is None, "it ended without coming this far"
            time.sleep(0.05)
        job.send_signal(signal.SIGKILL)


def _steps_done(erasure_id: UUID) -> int:
    done = db.session.query(ErasureStep).filter(ErasureStep.erasure_id == erasure_id, ErasureStep.done_at.is_not(None))
    number = eventually(done.count)
    db.session.rollback()
    return number
