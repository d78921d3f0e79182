"""One line for each request, whatever a visitor writes; an error page without an error in it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from app.database import db
from app.logs import JsonLines
from app.staff.views import MySessionsView
from app.web.permissions import SIGNED_IN, needs
from tests.desk import check, read, staff, visitor
from tests.world import application

FORGED = '\r\n{"level":"error","event":"forged"}\x1b[31m\u2028'


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the log would hold, line by line."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            caught.extend(JsonLines().format(record).split("\n"))

    caught: list[str] = []
    handler = Lines()
    logger = logging.getLogger("app.web.requests")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield caught
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_request_leaves_one_line_with_who_what_and_how_it_ended(app: Flask, lines: list[str]) -> None:
    developer = staff(app, "developer")
    lines.clear()

    page = developer.get("/admin/webhooks/")

    [line] = [json.loads(line) for line in lines]
    assert (line["event"], line["method"], line["path"], line["status"]) == (
        "request.answered",
        "GET",
        "/admin/webhooks/",
        200,
    )
    assert line["request_id"] == page.answer.headers["X-Request-Id"]
    assert line["ip"] == "127.0.0.1"
    assert len(line["staff"]) == 36
    assert developer.email not in lines[0]


def test_nothing_a_visitor_writes_can_forge_a_line(app: Flask, lines: list[str]) -> None:
    client = app.test_client()
    token = visitor(app)
    token.get("/login")
    lines.clear()

    client.get("/admin/%0d%0a%7B%22event%22:%22forged%22%7D%1b[31m")
    client.get(
        "/admin/", headers={"User-Agent": 'x"}{"event":"forged"}\x1b[31m', "X-Request-Id": "forged", "Referer": "x"}
    )
    client.get("/nowhere/\N{LINE SEPARATOR}\N{NEXT LINE}x")
    token.post("/login", {"email": f"a@b.c{FORGED}", "password": FORGED}, expect=401)
    client.open("/login", method="BREW")

    events = [json.loads(line)["event"] for line in lines]
    assert events.count("request.answered") == 5
    assert "forged" not in events
    assert all("\x1b" not in line and "\r" not in line for line in lines)


def test_a_visitors_own_request_id_is_not_taken(app: Flask) -> None:
    first = visitor(app).get("/login", headers={"X-Request-Id": "mine"}).answer.headers["X-Request-Id"]
    second = visitor(app).get("/login", headers={"X-Request-Id": "mine"}).answer.headers["X-Request-Id"]

    assert len({first, second, "mine"}) == 3


def test_the_address_of_a_visitor_is_the_peers_unless_a_proxy_is_trusted(
    database_url: str, instance_dir: Path, lines: list[str]
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.1, 203.0.113.2", "X-Forwarded-Proto": "https", "Host": "localhost"}
    for proxies, expected in ((0, "127.0.0.1"), (1, "203.0.113.2"), (2, "203.0.113.1")):
        app = application(database_url, instance_dir, trusted_proxies=proxies)
        lines.clear()
        app.test_client().get("/login", headers=forged)
        assert json.loads(lines[-1])["ip"] == expected


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/nowhere", "GET", 404), ("/login", "PUT", 405), ("/logout", "GET", 405), ("/static/../wsgi.py", "GET", 404)],
)
def test_what_is_not_there_has_a_page_of_its_own(app: Flask, path: str, method: str, status: int) -> None:
    page = read(app.test_client().open(path, method=method))

    assert page.status == status
    check(page)


def test_a_mistake_of_ours_shows_no_more_than_a_number_to_name(app: Flask) -> None:
    admin = staff(app, "admin")
    kept = app.view_functions["my_sessions.index_view"]

    @needs(SIGNED_IN)
    def broken() -> str:
        raise ValueError("secret detail sk_live_abc123")

    app.view_functions["my_sessions.index_view"] = broken
    try:
        page = admin.get("/admin/sessions/", expect=500)
    finally:
        app.view_functions["my_sessions.index_view"] = kept

    assert "secret" not in page.html
    assert page.answer.headers["X-Request-Id"] in page.words


def test_an_act_is_never_run_twice_by_a_type_error(app: Flask) -> None:
    runs = []

    def act(view: object) -> None:
        runs.append(view)
        raise TypeError("one of our own")

    with pytest.raises(TypeError, match="one of our own"):
        MySessionsView()._run_view(act)

    assert len(runs) == 1


def test_without_a_database_pages_say_so_and_the_door_still_stands(instance_dir: Path) -> None:
    app = application("postgresql+psycopg2://nobody@127.0.0.1:1/nothing", instance_dir)
    client = app.test_client()
    client.set_cookie("counterfoil_session", "x" * 43)

    for path in ("/admin/", "/admin/audit/", "/admin/webhooks/"):
        page = read(client.get(path))
        assert page.status == 503
        assert page.answer.headers["Retry-After"] == "5"
        assert "psycopg2" not in page.html
        check(page)
    assert client.get("/admin/", headers={"Accept": "application/json"}).status_code == 503
    assert client.post("/login", data={"email": "a@b.c", "password": "x"}).status_code == 400


def test_the_first_request_after_every_connection_was_cut_is_answered(committed: Flask) -> None:
    developer = staff(committed, "developer")
    developer.get("/admin/webhooks/")
    db.session.remove()
    other = create_engine(db.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    developer.get("/admin/webhooks/")
