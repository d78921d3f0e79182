"""The `flask` commands. Thin: each parses, calls one function and prints what it did."""

import os
import subprocess
import sys
from typing import Any

import click
from flask import Flask, current_app

from app.audit.commands import audit
from app.factory import ROOT
from app.gateways.current import gateway
from app.settings import Settings
from app.staff.commands import staff
from app.sync import commands as sync
from app.webhooks import inbox, wanted
from app.webhooks.commands import webhooks


def register(app: Flask) -> None:
    """Add every command group to the application."""
    for group in (staff, audit, webhooks, sandbox):
        app.cli.add_command(group)
    sync.register(app, take_in)


def take_in(events: list[dict[str, Any]]) -> None:
    """Events that a sync caught up with; those in doubt are settled here as well, so that nothing is left to a worker."""
    inbox.take_in_listed(events)
    for event_id in inbox.waiting(limit=len(events)):
        inbox.understand(event_id, gateway().background)
    wanted.fetch(gateway().background, limit=len(events), stop=lambda: False)


@click.group("sandbox", help="A Stripe of your own, for trying things out.")
def sandbox() -> None:
    pass


@sandbox.command("serve", help="Answer Stripe's HTTP API on this machine until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Default: SANDBOX_PORT; 0 takes a free one.")
def serve(port: int | None) -> None:
    settings, environment = _sandbox_settings()
    os.chdir(ROOT)
    # In our place rather than below us: signals reach it, and nothing of ours stays in memory beside it.
    words = _sandbox("serve", "--port", str(settings.sandbox_port if port is None else port))
    os.execve(words[0], words, environment)  # noqa: S606


@sandbox.command("seed", help="Fill the sandbox with a believable shop; it may run meanwhile or not.")
@click.option("--customers", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True, help="The same number makes the same shop.")
@click.option("--until", type=int, help="The shop's present, in Unix seconds; default: the last full hour.")
def seed(customers: int, months: int, seed: int, until: int | None) -> None:
    _, environment = _sandbox_settings()
    words = ["--customers", str(customers), "--months", str(months), "--seed", str(seed)]
    words += [] if until is None else ["--until", str(until)]
    ended = subprocess.run(_sandbox("seed", *words), cwd=ROOT, env=environment, check=False)  # noqa: S603 - our own module
    if ended.returncode:
        raise click.exceptions.Exit(ended.returncode)


def _sandbox(*words: str) -> list[str]:
    """Its command line: it is another program that happens to live in this tree, and is never imported."""
    return [sys.executable, "-m", "app.sandbox", *words]


def _sandbox_settings() -> tuple[Settings, dict[str, str]]:
    """Its environment names our database; by the environment, because arguments are visible to everybody."""
    settings: Settings = current_app.extensions["settings"]
    if settings.livemode:
        raise fail("STRIPE_SECRET_KEY is a live key: play money has no place in this database.")
    return settings, {**os.environ, "DATABASE_URL": current_app.config["SQLALCHEMY_DATABASE_URI"]}


def fail(message: str) -> click.ClickException:
    """One clear line and exit code 1: `raise fail("…")`."""
    return click.ClickException(message)
