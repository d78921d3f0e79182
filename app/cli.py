"""The `flask` commands. Thin: each parses, calls one function and prints what it did."""

import click
from flask import Flask

from app.audit.commands import audit
from app.staff.commands import staff
from app.webhooks.commands import webhooks


def register(app: Flask) -> None:
    """Add every command group to the application."""
    for group in (staff, audit, webhooks):
        app.cli.add_command(group)


def fail(message: str) -> click.ClickException:
    """One clear line and exit code 1: `raise fail("…")`."""
    return click.ClickException(message)
