"""`flask jobs`: the clock and the workers, together or apart, and single jobs by hand."""

import logging

import click
from flask import Flask, current_app

from jobs import runner, stopping, timetable

# The clock's and the engine's libraries are imported by the commands that use them: the web server never does.


@click.group("jobs", help="What runs by itself.")
def jobs() -> None:
    pass


@jobs.command("start", help="Run the clock and a worker in this process.")
def start() -> None:
    from jobs import clock, engine

    _begin()
    ringing = clock.Clock(_app())
    ringing.start()
    try:
        engine.work(_app())
    finally:
        stopping.requested.set()
        ringing.stop()


@jobs.command("clock", help="Run only the clock. Several may run.")
def keep_time() -> None:
    from jobs import clock

    _begin()
    clock.keep_time(_app())


@jobs.command("worker", help="Run only a worker. Several may run.")
def work() -> None:
    from jobs import engine

    _begin()
    engine.work(_app())


@jobs.command("list", help="Show the timetable.")
def show() -> None:
    width = max(len(line.name) for line in timetable.TIMETABLE)
    for line in timetable.TIMETABLE:
        click.echo(f"{line.name:<{width}}  {line.when!s:<22}  {line.about}")


@jobs.command("run", help="Run one job now, in this process.")
@click.argument("name")
def run(name: str) -> None:
    try:
        line = timetable.line(name)
    except KeyError:
        raise click.ClickException(f"There is no job {name}: see flask jobs list.") from None
    stopping.on_signals()
    run = runner.run_now(line)
    if run.state != "good":
        raise click.ClickException(run.error or f"{name} ended {run.state}.")
    click.echo(f"{name}: {run.error or f'{run.done} done'}")


def _begin() -> None:
    stopping.on_signals()
    # Ours says once what each of these says three times.
    for library in ("apscheduler", "procrastinate"):
        logging.getLogger(library).setLevel(logging.WARNING)


def _app() -> Flask:
    """The application itself: the one of the context belongs to this thread."""
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]
