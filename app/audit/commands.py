"""`flask audit`: is the trail whole?"""

import click

from app.audit import chain
from app.database import db


@click.group("audit", help="The audit trail.")
def audit() -> None:
    pass


@audit.command("verify", help="Check every entry; name the first that was changed, removed, inserted or moved.")
@click.option("--anchor", help="A head noted earlier (`flask audit head`): finds entries cut off at the end as well.")
def verify(anchor: str | None) -> None:
    try:
        noted = chain.Head.parse(anchor) if anchor else None
    except ValueError as error:
        raise click.ClickException("The anchor is a line that `flask audit head` printed.") from error
    broken = chain.verify(noted)
    last, (entries, erasures) = chain.head(), chain.erased()
    db.session.rollback()
    if broken is not None:
        raise click.ClickException(f"The trail is broken at entry {broken.id}: {broken.why}.")
    click.echo(f"The trail is whole: {last.id if last else 0} entries. Head {last or 'none'}")
    if entries:
        click.echo(
            f"Words were taken out of {entries} of them by {erasures} erasures of persons, as the trail itself says."
        )


@audit.command("head", help="Print the last entry's number and hash: keep it outside, it is what --anchor takes.")
def head() -> None:
    last = chain.head()
    db.session.rollback()
    click.echo(str(last) if last else "none")
