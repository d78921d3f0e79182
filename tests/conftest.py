"""What every test may ask for: an application, and a database that is as new.

`app`: everything a test does is rolled back; quick, for one connection.
`committed`: an application on its own database; for threads, processes and jobs, which must see each other's commits.
`sandbox`: a real sandbox process, shared by the session and empty again for every test.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import make_url

from app.database import db
from tests.e2e.visitor import CHROMIUM, QUIET
from tests.sandbox.client import Sandbox, running
from tests.sandbox.sdk_types import strange_answers
from tests.servers import drop_database, fresh_database
from tests.world import application


@pytest.fixture(scope="session")
def instance_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("instance")


@pytest.fixture(scope="session")
def template(instance_dir: Path) -> Iterator[str]:
    """The name of a migrated, empty database that nobody is connected to."""
    url = fresh_database()
    app = application(url, instance_dir)
    with app.app_context():
        upgrade()
        db.engine.dispose()
    yield str(make_url(url).database)
    drop_database(url)


@pytest.fixture
def database_url(template: str) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    url = fresh_database(template)
    yield url
    drop_database(url)


@pytest.fixture
def committed(database_url: str, instance_dir: Path) -> Iterator[Flask]:
    """An application whose commits are real, with its context pushed."""
    app = application(database_url, instance_dir)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def _shared_application(template: str, instance_dir: Path) -> Iterator[Flask]:
    url = fresh_database(template)
    app = application(url, instance_dir)
    yield app
    with app.app_context():
        db.engine.dispose()
    drop_database(url)


@pytest.fixture
def app(_shared_application: Flask) -> Iterator[Flask]:
    """An application whose every change is undone after the test."""
    with _shared_application.app_context():
        engine = db.engines[None]
        connection = engine.connect()
        outer = connection.begin()
        db.engines[None] = connection  # type: ignore[assignment]
        db.session.configure(join_transaction_mode="create_savepoint")
        yield _shared_application
        db.session.remove()
        db.session.configure(join_transaction_mode="conditional_savepoint")
        outer.rollback()
        connection.close()
        db.engines[None] = engine


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """In place of pytest-flask's own, whose pushed request leaks `flask.g`, and with it the signed-in person, into the next."""


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    url = fresh_database()
    with running(url) as sandbox:
        yield sandbox
    drop_database(url)


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Iterator[Sandbox]:
    """An empty sandbox; whatever it answers the test must be what the official SDK expects."""
    sandbox_process.reset()
    yield sandbox_process
    assert strange_answers(sandbox_process) == []


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox this test may kill."""
    url = fresh_database()
    with running(url) as sandbox:
        yield sandbox
    drop_database(url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole session: two of Playwright's loops cannot live in one thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()
