"""Alive and ready: what a balancer asks, and what it is told is missing."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app import clock
from app.database import db, transaction
from app.models.job_run import JobRun
from tests import factories
from tests.desk import staff, visitor
from tests.world import application


def ready(client: FlaskClient) -> tuple[int, list[str]]:
    answer = client.get("/health/ready")
    return answer.status_code, answer.json["missing"]  # type: ignore[index]


def rang(at: datetime, job: str = "keep_house") -> None:
    with transaction():
        db.session.add(JobRun(job=job, due_at=at, state="queued"))


def test_with_all_that_work_depends_on_it_is_ready(client: FlaskClient) -> None:
    rang(clock.now() - timedelta(minutes=2))

    assert ready(client) == (200, [])


def test_a_clock_that_never_rang_or_has_stopped_is_missing(client: FlaskClient) -> None:
    assert ready(client) == (503, ["clock"])

    rang(clock.now() - timedelta(minutes=4))

    assert ready(client) == (503, ["clock"])


def test_an_event_that_is_due_and_nobody_takes_up_is_missing(client: FlaskClient) -> None:
    rang(clock.now())
    factories.event(state="waiting", next_try_at=clock.now() - timedelta(seconds=50))
    assert ready(client) == (200, [])

    factories.event(state="waiting", next_try_at=clock.now() - timedelta(seconds=70))

    assert ready(client) == (503, ["inbox"])


@pytest.mark.parametrize("change", ["UPDATE alembic_version SET version_num = '0001'", "DROP TABLE alembic_version"])
def test_tables_of_another_version_are_missing(client: FlaskClient, change: str) -> None:
    rang(clock.now())
    with transaction():
        db.session.execute(text(change))

    assert ready(client) == (503, ["migrations"])


def test_without_a_secret_or_a_database_it_is_alive_and_not_ready(instance_dir: Path) -> None:
    nowhere = application("postgresql+psycopg2://nobody@127.0.0.1:1/none", instance_dir, webhook_secrets=())
    client = nowhere.test_client()

    assert client.get("/health").status_code == 200
    assert ready(client) == (503, ["database"])


def test_a_newer_run_is_found_without_reading_the_older_ones(app: Flask, client: FlaskClient) -> None:
    many = text(
        "INSERT INTO job_runs (job, due_at, state) "
        "SELECT 'keep_house', now() - n * interval '5 s', 'good' FROM generate_series(20000, 1, -1) AS n"
    )
    with transaction():
        db.session.execute(many)
        db.session.execute(text("ANALYZE job_runs"))
        before = _rows_read()

    assert ready(client) == (200, [])

    assert _rows_read() - before < 10


def test_what_is_wrong_is_named_to_everybody_and_explained_to_nobody(app: Flask) -> None:
    page = visitor(app).get("/health/ready", expect=503)

    assert page.answer.json == {"status": "unavailable", "missing": ["clock"], "jobs": {"late": [], "failed": []}}
    staff(app, "view_only").get("/health/ready", expect=503)


def _rows_read() -> int:
    """Of job_runs, by whatever way, in this transaction."""
    query = "SELECT pg_stat_get_xact_tuples_returned('job_runs'::regclass)"
    return int(db.session.execute(text(query)).scalar_one())
