"""Test databases: one run never disturbs another, and what dead runs left behind is cleared away."""

import signal
import subprocess
import sys
from pathlib import Path

import psycopg2
from sqlalchemy import make_url

from tests import servers

ROOT = Path(__file__).parents[2]
RUN = "from tests import servers; print(servers.fresh_database(), flush=True); "


def run(then: str) -> subprocess.Popen[str]:
    """Another test run, which made one database and goes on with `then`."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN + then], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def exists(url: str) -> bool:
    connection = psycopg2.connect(servers.admin_dsn())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", (make_url(url).database,))
        [(found,)] = cursor.fetchall()
    connection.close()
    return bool(found)


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        rows = list(cursor.fetchall()) if cursor.description else []
    connection.close()
    return rows


def test_databases_are_new_empty_and_different() -> None:
    first, second = servers.fresh_database(), servers.fresh_database()

    assert first != second
    assert execute(first, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    servers.drop_database(first)
    servers.drop_database(second)
    assert [exists(first), exists(second)] == [False, False]


def test_a_database_is_the_same_on_every_server() -> None:
    url = servers.fresh_database()

    assert execute(url, "SHOW server_encoding") == [("UTF8",)]
    assert execute(url, "SELECT 'B' < 'a', lower('É') = 'é'") == [(True, True)]
    servers.drop_database(url)


def test_a_template_is_copied_by_name_or_url() -> None:
    template = servers.fresh_database()
    execute(template, "CREATE TABLE kept AS SELECT 7 AS answer")

    for named in (template, make_url(template).database):
        copy = servers.fresh_database(named)
        assert execute(copy, "SELECT answer FROM kept") == [(7,)]
        servers.drop_database(copy)
    servers.drop_database(template)


def test_dropping_ends_connections_and_twice_is_fine() -> None:
    url = servers.fresh_database()
    connection = psycopg2.connect(url)

    servers.drop_database(url)
    servers.drop_database(url)

    assert not exists(url)
    connection.close()


def test_a_run_clears_up_behind_itself() -> None:
    with run("") as other:
        url = url_of(other)

    assert other.returncode == 0
    assert not exists(url)


def test_what_a_killed_run_left_is_dropped_by_the_next_and_a_living_run_is_left_alone() -> None:
    with run("input()") as living, run("input()") as killed:
        left, used = url_of(killed), url_of(living)
        killed.kill()
        killed.wait()
        assert killed.returncode == -signal.SIGKILL
        assert exists(left)

        with run("") as following:
            following.wait()

        assert not exists(left)
        assert exists(used)
        living.communicate("\n")
