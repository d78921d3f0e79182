"""`flask audit`: is the trail whole?"""

from pathlib import Path

import click
from flask import current_app

from app.audit import anchors, chain
from app.database import db
from app.errors import ConfigurationError
from app.settings import Settings


@click.group("audit", help="The audit trail.")
def audit() -> None:
    pass


@audit.command("verify", help="Check every entry; name the first that was changed, removed, inserted or moved.")
@click.option("--anchor", help="One more head that was noted, as `flask audit head` prints it.")
@click.option(
    "--anchors",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder with the heads that were noted each day. Default: AUDIT_ANCHORS_DIR.",
)
def verify(anchor: str | None, folder: Path | None) -> None:
    try:
        given = chain.Head.parse(anchor) if anchor else None
    except ValueError as error:
        raise click.ClickException("The anchor is a line that `flask audit head` printed.") from error
    known = _noted(folder)
    broken = chain.verify(given, *(noted.head for noted in known))
    last, (entries, erasures) = chain.head(), chain.erased()
    db.session.rollback()
    if broken is not None:
        raise click.ClickException(f"The trail is broken at entry {broken.id}: {broken.why}.")
    click.echo(f"The trail is whole: {last.id if last else 0} entries. Head {last or 'none'}")
    if known:
        click.echo(
            f"It holds all {len(known)} heads that were noted outside, the last on {known[-1].noted_at:%Y-%m-%d}: "
            f"entry {known[-1].head.id}."
        )
    if entries:
        click.echo(
            f"Words were taken out of {entries} of them by {erasures} erasures of persons, as the trail itself says."
        )


@audit.command("head", help="Print the last entry's number and hash: keep it outside, it is what --anchor takes.")
def head() -> None:
    last = chain.head()
    db.session.rollback()
    click.echo(str(last) if last else "none")


def _noted(folder: Path | None) -> list[anchors.Anchor]:
    settings: Settings = current_app.extensions["settings"]
    try:
        return anchors.noted(folder or settings.audit_anchors_dir)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
