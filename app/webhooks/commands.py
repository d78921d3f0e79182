"""`flask webhooks`: events once more."""

import click

from app.actor import Actor
from app.errors import DomainError
from app.gateways.current import gateway
from app.webhooks import operations


@click.group("webhooks", help="Events that Stripe sent.")
def webhooks() -> None:
    pass


@webhooks.command("replay", help="Understand these events once more, whatever became of them before.")
@click.argument("ids", metavar="ID …", nargs=-1, required=True)
@click.option("--reason", help="Why; it is kept in the audit trail.")
def replay(ids: tuple[str, ...], reason: str | None) -> None:
    for event_id in ids:
        try:
            state = operations.replay(event_id, gateway(), actor=Actor.command("flask webhooks replay"), reason=reason)
        except DomainError as refusal:
            raise click.ClickException(str(refusal)) from refusal
        click.echo(f"{event_id}: {state}")
