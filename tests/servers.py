"""PostgreSQL for the tests: the one TEST_DATABASE_URL names, else an embedded server shared by all runs of this clone.

Every run owns the databases `cf_<run>_<n>` and holds an advisory lock for as long as it lives. A run that finds
databases whose lock is free knows that their run is dead, on whatever machine it was, and drops them.
"""

import atexit
import itertools
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import errors
from sqlalchemy import make_url

from app import embedded

EMBEDDED_FOLDER = Path(__file__).parent.parent / "instance" / "pg-test"
FIRST_WITH_BUILTIN_LOCALE = 170_000
DROP_TRIES = 5


@dataclass
class Run:
    """One process running tests, and its connection that holds the lock."""

    name: str
    connection: Any
    numbers: Iterator[int] = field(default_factory=itertools.count)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.guard, self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []


@cache
def admin_dsn() -> str:
    """A URL that may CREATE DATABASE, read by SQLAlchemy and libpq alike."""
    return os.environ.get("TEST_DATABASE_URL") or embedded.start(EMBEDDED_FOLDER, durable=False)


def fresh_database(template: str | None = None) -> str:
    """The URL of a new database: empty, or a copy of `template` (a name or URL nobody is connected to).

    UTF8, ordered by code point, and lower() knows more than ASCII: the same on every server.
    """
    run = _run(os.getpid())
    name = f"cf_{run.name}_{next(run.numbers)}"
    if template is not None:
        source = make_url(template).database if "://" in template else template
        run.execute(f'CREATE DATABASE {name} TEMPLATE "{source}"')
    elif run.connection.info.server_version >= FIRST_WITH_BUILTIN_LOCALE:
        words = "LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        run.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {words}")
    else:
        try:
            words = "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' LOCALE_PROVIDER libc"
            run.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {words}")
        except errors.WrongObjectType:  # this system has no C.UTF-8
            run.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
    return make_url(admin_dsn()).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Drop it whoever is connected; one that is gone already is fine."""
    _drop(_run(os.getpid()), str(make_url(url).database))


@cache
def _run(_pid: int) -> Run:
    """This process's run. Keyed by pid, so a forked child never shares its parent's connection."""
    connection = psycopg2.connect(admin_dsn(), connect_timeout=10)
    connection.autocommit = True
    run = Run(secrets.token_hex(4), connection)
    run.execute("SELECT pg_advisory_lock(%s)", _lock(run.name))
    _drop_leftovers(run)
    atexit.register(_finish, run, os.getpid())
    return run


def _drop_leftovers(run: Run) -> None:
    databases = [
        name for (name,) in run.execute(r"SELECT datname FROM pg_database WHERE datname ~ '^cf_[0-9a-f]{8}_\d+$'")
    ]
    for other in {name.split("_")[1] for name in databases} - {run.name}:
        [(dead,)] = run.execute("SELECT pg_try_advisory_lock(%s)", _lock(other))
        if dead:
            _drop_all(run, other)
            run.execute("SELECT pg_advisory_unlock(%s)", _lock(other))


def _finish(run: Run, pid: int) -> None:
    if os.getpid() == pid:
        _drop_all(run, run.name)
        run.connection.close()


def _drop_all(run: Run, owner: str) -> None:
    for (name,) in run.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", f"cf\\_{owner}\\_%"):
        _drop(run, name)


def _drop(run: Run, name: str) -> None:
    """Without FORCE, which would also have to end an autovacuum worker and may not; a plain DROP asks that one to leave."""
    for _ in range(DROP_TRIES):
        run.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user", name
        )
        try:
            run.execute(f'DROP DATABASE IF EXISTS "{name}"')
        except errors.ObjectInUse:
            continue
        return
    raise AssertionError(f"{name} stays in use")


def _lock(run: str) -> int:
    return int(run, 16)
