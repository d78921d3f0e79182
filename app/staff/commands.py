"""`flask staff`: who may sign in."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.actor import Actor
from app.database import db
from app.errors import DomainError
from app.models.staff import ROLES
from app.staff import operations, queries
from app.staff.factors import operations as factor_operations
from app.staff.networks import operations as network_operations


@click.group("staff", help="Who may sign in, and as what.")
def staff() -> None:
    pass


@staff.command("add", help="Let somebody in. Asks for the password, or reads it from standard input.")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--name", default="", help="The name to show; made from the address when it is left out.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
def add(email: str, role: str, name: str, password_stdin: bool) -> None:
    with _clear_refusals():
        password = _password(from_stdin=password_stdin)
        operations.add_staff(email, role=role, name=name, password=password, actor=Actor.command("staff add"))
    click.echo(f"{email.strip().lower()} may sign in as {role}.")


@staff.command("password", help="Replace a forgotten password.")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
def password(email: str, password_stdin: bool) -> None:
    with _clear_refusals():
        new = _password(from_stdin=password_stdin)
        operations.set_password(email, password=new, actor=Actor.command("staff password"))
    click.echo(f"{email.strip().lower()} has a new password; every session was ended.")


@staff.command("remove-factor", help="Remove the second factor of somebody who lost it.")
@click.argument("email")
def remove_factor(email: str) -> None:
    with _clear_refusals():
        person = queries.by_email(operations.checked_email(email))
        factor_operations.remove_all(person.id, actor=Actor.command("staff remove-factor"))
    click.echo(f"{person.email} signs in with the password alone; every session was ended.")


@staff.command("allow-all-networks", help="Forget the allowed networks, when nobody can come in any more.")
def allow_all_networks() -> None:
    gone = network_operations.forget_all(actor=Actor.command("staff allow-all-networks"))
    click.echo(f"{gone} networks forgotten: everybody may come from anywhere again.")


@staff.command("list", help="Everybody, with role and last sign-in.")
def list_() -> None:
    for person in queries.everybody():
        last = f"{person.last_sign_in_at:%Y-%m-%d}" if person.last_sign_in_at else "never"
        ended = "" if person.is_active else "  (access ended)"
        click.echo(f"{person.email:<40} {person.role:<16} last sign-in {last}{ended}")
    db.session.rollback()


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.ClickException("There is no terminal to ask at: give --password-stdin.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@contextmanager
def _clear_refusals() -> Iterator[None]:
    """A rule that says no ends the command with its sentence and exit code 1, not with a traceback."""
    try:
        yield
    except DomainError as refusal:
        raise click.ClickException(str(refusal)) from refusal
