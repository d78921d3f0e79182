"""The tables are those the models describe, on whatever server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError

from app import clock
from app.database import db, transaction
from app.models.account import Account

ROOT = Path(__file__).parents[2]


def test_migrations_make_exactly_what_the_models_say(committed: Flask) -> None:
    check()


def test_migrations_go_all_the_way_down_and_up_again(committed: Flask) -> None:
    downgrade(revision="base")
    left = db.session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    db.session.rollback()
    upgrade()

    assert left == ["alembic_version"]
    check()


def test_an_upgrade_that_has_nothing_to_do_does_nothing(committed: Flask) -> None:
    upgrade()

    assert db.session.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_several_upgrades_at_once_wait_for_each_other(committed: Flask, tmp_path: Path) -> None:
    downgrade(revision="base")
    database_url = db.engine.url.render_as_string(hide_password=False)
    environment = {**os.environ, "DATABASE_URL": database_url, "INSTANCE_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]

    running = [subprocess.Popen(command, env=environment, cwd=ROOT) for _ in range(3)]

    assert [process.wait(110) for process in running] == [0, 0, 0]
    check()


def test_the_session_thinks_in_utc(app: Flask) -> None:
    assert db.session.execute(text("SHOW timezone")).scalar_one() == "UTC"


def test_a_transaction_is_kept_or_undone_as_one(app: Flask) -> None:
    with transaction():
        db.session.add(Account(livemode=False, stripe_id="acct_kept", created_at=clock.now()))
    with pytest.raises(ZeroDivisionError), transaction():
        db.session.add(Account(livemode=True, stripe_id="acct_undone", created_at=clock.now()))
        db.session.flush()
        _ = 1 / 0

    assert db.session.execute(db.select(Account.stripe_id)).scalars().all() == ["acct_kept"]


def test_a_change_outside_of_a_transaction_is_an_error(app: Flask) -> None:
    db.session.add(Account(livemode=False, created_at=clock.now()))

    with pytest.raises(InvalidRequestError, match="outside of transaction"), transaction():
        pass

    db.session.rollback()
    assert db.session.execute(db.select(db.func.count()).select_from(Account)).scalar_one() == 0
