"""The worker: Procrastinate on our database, begun anew whenever the database went away."""

import asyncio
import logging

import procrastinate
import psycopg
import psycopg_pool
from flask import Flask
from procrastinate import exceptions
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from app.database import db
from app.timetable.lines import Line
from jobs import runner, stopping
from jobs.timetable import TIMETABLE

log = logging.getLogger("jobs")

# A long job must not hold up the others; each is alone among its like anyway.
_AT_ONCE = 4
_LOOK_SECONDS = 0.2
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 5.0


def work(app: Flask) -> None:
    """Do queued jobs until somebody wishes to stop. What runs then is finished first."""
    while not stopping.requested.is_set():
        try:
            asyncio.run(_work(app))
        except (psycopg.Error, psycopg_pool.PoolTimeout, exceptions.ConnectorException) as error:
            log.warning("worker.interrupted", extra={"reason": type(error).__name__})
        _await_database(app)


def conninfo(url: str) -> str:
    """What libpq calls the database that SQLAlchemy calls `url`; a unix socket is in both a parameter named host."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def _work(app: Flask) -> None:
    engine = procrastinate.App(connector=_connector(app), worker_defaults={})
    for line in TIMETABLE:
        _add(engine, app, line)
    async with engine.open_async():
        # Its own signal handlers would know nothing of our clock.
        worker = asyncio.create_task(
            engine.run_worker_async(
                concurrency=_AT_ONCE,
                install_signal_handlers=False,
                delete_jobs="always",
                fetch_job_polling_interval=2.0,
            )
        )
        while not worker.done() and not stopping.requested.is_set():
            await asyncio.wait([worker], timeout=_LOOK_SECONDS)
        # Cancelled, it stops to take jobs, waits for those that run, and only then ends.
        worker.cancel()
        try:
            await worker
        except asyncio.CancelledError:
            log.info("worker.stopped")


def _connector(app: Flask) -> procrastinate.PsycopgConnector:
    return procrastinate.PsycopgConnector(
        conninfo=conninfo(app.config["SQLALCHEMY_DATABASE_URI"]),
        kwargs={"application_name": "counterfoil jobs", "connect_timeout": 5, "options": "-c timezone=UTC"},
        min_size=1,
        max_size=4,
        timeout=_PATIENCE_SECONDS,
    )


def _add(engine: procrastinate.App, app: Flask, line: Line) -> None:
    @engine.task(name=line.name, queueing_lock=line.name)
    def task(run_id: int) -> None:
        with app.app_context():
            runner.run(line, run_id)


def _await_database(app: Flask) -> None:
    """Ask until it answers. The engine's own pool would wait twice as long each time."""
    with app.app_context():
        while not stopping.requested.wait(_PAUSE_SECONDS):
            try:
                db.session.execute(text("SELECT 1"))
            except SQLAlchemyError:
                continue
            finally:
                db.session.remove()
            return
