"""`flask sync` and `flask doctor`."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
from flask import Flask, current_app

from app.actor import Actor
from app.database import db
from app.errors import ConfigurationError, DomainError
from app.gateways.current import gateway
from app.mirror import accounts
from app.mirror.kinds import KINDS
from app.settings import Settings
from app.sync import check as checking
from app.sync import operations, progress
from app.sync.catch_up import TakeIn
from app.sync.doctor import Health, examine
from app.sync.operations import Outcome, Wish
from app.sync.progress import Progress

Result = TypeVar("Result")

_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_KINDS = click.Choice(sorted(KINDS))


def register(app: Flask, take_in: TakeIn) -> None:
    """Add the commands. `take_in` keeps and understands the events of a catch-up; it belongs to a floor above this one."""
    app.cli.add_command(_sync(take_in))
    app.cli.add_command(doctor)


def _sync(take_in: TakeIn) -> click.Group:
    @click.group("sync", help="The copy of Stripe's objects.")
    def sync() -> None:
        pass

    @sync.command("run", help="Bring the copy up to Stripe. Stopped or failed, the next run goes on from there.")
    @click.option("--kind", "kinds", multiple=True, type=_KINDS, help="Only this kind; may be repeated.")
    @click.option("--since", type=_DAY, help="Only what was created since this day (UTC).")
    @click.option("--full", is_flag=True, help="Everything, not only what is new since the last run.")
    def run(kinds: tuple[str, ...], since: datetime | None, full: bool) -> None:
        wish = Wish(tuple(dict.fromkeys(kinds)), since.replace(tzinfo=UTC) if since else None, full)
        shown = progress.for_terminal()
        outcome = _or_fail(
            lambda: operations.run(
                gateway().background, livemode=_settings().livemode, take_in=take_in, wish=wish, progress=shown
            ),
            shown,
        )
        click.echo(_sentence(outcome))

    sync.add_command(check)
    return sync


@click.command("check", help="Compare every row with Stripe, field by field. Exit code 1 when something differs.")
@click.option("--kind", "kinds", multiple=True, type=_KINDS, help="Only this kind; may be repeated.")
@click.option("--heal", is_flag=True, help="Read what differs again from Stripe; each is written into the audit trail.")
def check(kinds: tuple[str, ...], heal: bool) -> None:
    account = accounts.current(_settings().livemode)
    db.session.rollback()
    shown = progress.for_terminal()
    actor = Actor.command("flask sync check")
    report = _or_fail(
        lambda: checking.check(gateway().background, account.id, kinds=kinds, heal=heal, actor=actor, progress=shown),
        shown,
    )
    for drift in report.drifts:
        click.echo(str(drift))
    click.echo(
        f"{sum(report.compared.values())} objects compared, {len(report.drifts)} differences, {report.healed} objects healed."
    )
    if not report.is_whole:
        raise click.ClickException(
            "The mirror is not what Stripe is. `flask sync check --heal` reads these objects again."
        )


@click.command("doctor", help="Is everything in order? Exit code 1 when something is wrong.")
@click.option("--full", is_flag=True, help="Also compare every row with Stripe (always done with the sandbox).")
def doctor(full: bool) -> None:
    shown = progress.for_terminal()
    migrations = Path(current_app.root_path) / "migrations"
    wrong = 0
    for finding in examine(gateway().background, _settings(), migrations=migrations, full=full, progress=shown):
        shown.close()
        click.echo(str(finding))
        wrong += finding.health is Health.BAD
    if wrong:
        raise click.ClickException(f"{wrong} of these need somebody.")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _or_fail(work: Callable[[], Result], shown: Progress) -> Result:
    """Do it; a rule that says no is one line and exit code 1."""
    try:
        return work()
    except (DomainError, ConfigurationError) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    finally:
        shown.close()


def _sentence(outcome: Outcome) -> str:
    parts = ", ".join(f"{count:,} {kind}" for kind, count in outcome.objects.items() if count)
    began = "Went on with a run that was stopped" if outcome.resumed else "Done"
    return (
        f"{began}: {outcome.total:,} objects read ({parts or 'nothing new'}), {outcome.events:,} events caught up with."
    )
