"""Whoever can do everything to the database still cannot change the trail unseen."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.actor import Actor
from app.audit import chain, trail
from app.audit.chain import Broken, Head
from app.database import db, transaction

ROOT = Path(__file__).parents[2]
ENTRIES = 12
# The order in which a superuser's copy of the table has its columns.
COLUMNS = (
    "at, actor_kind, actor, action, object_type, object_id, account_id, reason, before, after, ip, request_id, "
    "version, salt, salts, digests, erasure_id"
)


def _write(number: int = ENTRIES) -> None:
    for count in range(number):
        with transaction():
            trail.record(
                Actor("staff", "ana@shop.example", ip="203.0.113.7"),
                "refund.requested",
                "refund",
                f"r-{count}",
                reason=f"Reason “{count}” with ' and \\ and \n",
                after={"amount": f"{count}.00 EUR", "nested": {"b": [1, 2.5, None, True], "a": "ü"}},
            )


def _as_superuser(*statements: str) -> None:
    """With the triggers out of the way, as a person who owns the table could."""
    with transaction():
        db.session.execute(text("ALTER TABLE audit_logs DISABLE TRIGGER ALL"))
        for statement in statements:
            db.session.execute(text(statement))
        db.session.execute(text("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_chain"))
        db.session.execute(text("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_only_grows"))
        db.session.execute(text("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_only_words_go"))


def test_an_empty_trail_is_whole(app: Flask) -> None:
    assert chain.verify() is None
    assert chain.head() is None


def test_a_trail_that_only_grew_is_whole_across_batches(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 5)
    _write()

    assert chain.verify() is None
    head = chain.head()
    assert head is not None
    assert head.id == ENTRIES


@pytest.mark.parametrize(
    "edit",
    [
        "reason = 'another'",
        "reason = NULL",
        "actor = 'ben@shop.example'",
        "at = at + interval '1 microsecond'",
        "after = jsonb_set(after, '{amount}', '\"4.01 EUR\"')",
        "ip = NULL",
        "object_id = 'r-5'",
        "account_id = 1",
        "hash = sha256('forged'::bytea)",
    ],
)
def test_an_edited_entry_is_named(app: Flask, edit: str) -> None:
    _write()
    _as_superuser(f"UPDATE audit_logs SET {edit} WHERE id = 5")

    assert chain.verify() == Broken(5, "the entry was changed after it was written")


def test_an_edited_entry_whose_hash_was_made_to_fit_is_betrayed_by_the_next(app: Flask) -> None:
    _write()
    _as_superuser(
        "UPDATE audit_logs SET reason = 'another' WHERE id = 5",
        "UPDATE audit_logs a SET hash = audit_hash(a) WHERE id = 5",
    )

    assert chain.verify() == Broken(6, "the entry does not follow the one before it")


@pytest.mark.parametrize("number", [1, 5])
def test_a_removed_entry_is_named(app: Flask, number: int) -> None:
    _write()
    _as_superuser(f"DELETE FROM audit_logs WHERE id = {number}")

    assert chain.verify() == Broken(number, "the entry is missing")


def test_removed_entries_whose_gap_was_closed_are_betrayed_by_their_numbers(app: Flask) -> None:
    _write()
    _as_superuser(
        "DELETE FROM audit_logs WHERE id = 5",
        "CREATE TEMP TABLE moved ON COMMIT DROP AS SELECT * FROM audit_logs WHERE id > 5",
        "DELETE FROM audit_logs WHERE id > 5",
        f"INSERT INTO audit_logs (id, previous_hash, hash, {COLUMNS}) OVERRIDING SYSTEM VALUE "
        f"SELECT id - 1, previous_hash, hash, {COLUMNS} FROM moved ORDER BY id",
    )

    assert chain.verify() == Broken(5, "the entry does not follow the one before it")


@pytest.mark.parametrize(("place", "named"), [(0, 0), (ENTRIES + 1, ENTRIES + 1), (ENTRIES + 5, ENTRIES + 1)])
def test_an_inserted_entry_is_named(app: Flask, place: int, named: int) -> None:
    _write()
    _as_superuser(
        f"INSERT INTO audit_logs (id, previous_hash, hash, {COLUMNS}) OVERRIDING SYSTEM VALUE "
        f"SELECT {place}, sha256('x'::bytea), hash, {COLUMNS} FROM audit_logs WHERE id = 3"
    )

    broken = chain.verify()
    assert broken is not None
    assert broken.id == named


def test_two_entries_that_changed_places_are_named(app: Flask) -> None:
    _write()
    _as_superuser(
        "CREATE TEMP TABLE pair ON COMMIT DROP AS SELECT * FROM audit_logs WHERE id IN (5, 6)",
        "DELETE FROM audit_logs WHERE id IN (5, 6)",
        f"INSERT INTO audit_logs (id, previous_hash, hash, {COLUMNS}) OVERRIDING SYSTEM VALUE "
        f"SELECT 11 - id, previous_hash, hash, {COLUMNS} FROM pair",
    )

    assert chain.verify() == Broken(5, "the entry does not follow the one before it")


def test_a_tail_that_was_cut_off_is_found_with_the_head_noted_before(app: Flask) -> None:
    _write()
    noted = chain.head()
    _as_superuser("DELETE FROM audit_logs WHERE id > 9")

    assert chain.verify() is None
    assert chain.verify(noted) == Broken(10, f"the trail ends before entry {ENTRIES}, which was there once")


def test_a_chain_written_anew_is_found_with_the_head_noted_before(app: Flask) -> None:
    _write()
    noted = chain.head()
    anew = ["UPDATE audit_logs SET reason = 'another' WHERE id = 5"]
    for number in range(5, ENTRIES + 1):
        anew.append(
            "UPDATE audit_logs a SET previous_hash = (SELECT b.hash FROM audit_logs b WHERE b.id = a.id - 1) "
            f"WHERE a.id = {number}"
        )
        anew.append(f"UPDATE audit_logs a SET hash = audit_hash(a) WHERE id = {number}")
    _as_superuser(*anew)

    assert chain.verify() is None
    assert chain.verify(noted) == Broken(ENTRIES, "the chain was written anew: the entry is not the one that was noted")


def test_a_changed_hash_function_does_not_fool_the_check(app: Flask) -> None:
    _write()
    _as_superuser(
        "UPDATE audit_logs SET reason = 'another' WHERE id = 5",
        "CREATE OR REPLACE FUNCTION audit_hash(entry audit_logs) RETURNS bytea LANGUAGE sql STABLE AS "
        "$$ SELECT entry.hash $$",
    )

    assert chain.verify() == Broken(5, "the entry was changed after it was written")


def test_many_at_once_make_one_chain_without_gaps(committed: Flask) -> None:
    def write() -> None:
        with committed.app_context():
            _write(5)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    head = chain.head()
    assert head is not None
    assert head.id == 40
    assert chain.verify(head) is None


def test_a_head_survives_being_written_down() -> None:
    head = Head(12, bytes(range(32)))

    assert Head.parse(f" {head}\n") == head


def test_the_command_says_that_it_is_whole_and_names_what_is_broken(committed: Flask, tmp_path: Path) -> None:
    _write()
    outcome = _flask(committed, tmp_path, "audit", "verify")
    noted = _flask(committed, tmp_path, "audit", "head").stdout.strip()
    _as_superuser("UPDATE audit_logs SET reason = 'another' WHERE id = 5")
    broken = _flask(committed, tmp_path, "audit", "verify", "--anchor", noted)

    assert (outcome.returncode, outcome.stdout) == (0, f"The trail is whole: 12 entries. Head {noted}\n")
    assert broken.returncode == 1
    assert broken.stderr.strip().endswith("The trail is broken at entry 5: the entry was changed after it was written.")


def _flask(app: Flask, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        "INSTANCE_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
