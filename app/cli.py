"""The `flask` commands. Thin: each parses, calls one function and prints what it did."""

import click
from flask import Flask


def register(app: Flask) -> None:
    """Add every command group to the application."""
    for group in ():
        app.cli.add_command(group)


def fail(message: str) -> click.ClickException:
    """One clear line and exit code 1: `raise fail("…")`."""
    return click.ClickException(message)
