"""The `flask` commands. Thin: each parses, calls one function and prints what it did."""

from typing import Any

import click
from flask import Flask

from app.audit.commands import audit
from app.gateways.current import gateway
from app.staff.commands import staff
from app.sync import commands as sync
from app.webhooks import inbox
from app.webhooks.commands import webhooks


def register(app: Flask) -> None:
    """Add every command group to the application."""
    for group in (staff, audit, webhooks):
        app.cli.add_command(group)
    sync.register(app, take_in)


def take_in(events: list[dict[str, Any]]) -> None:
    """Events that a sync caught up with; those in doubt are settled here as well, so that nothing is left to a worker."""
    inbox.take_in_listed(events)
    for event_id in inbox.waiting(limit=len(events)):
        inbox.understand(event_id, gateway().background)


def fail(message: str) -> click.ClickException:
    """One clear line and exit code 1: `raise fail("…")`."""
    return click.ClickException(message)
