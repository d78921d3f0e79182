"""Taking the words of a person out of the trail, and saying in the trail that it was done."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text

from app.actor import Actor
from app.audit import trail
from app.database import db

ACTION = "customer.words_erased"


def begin(erasure_id: UUID) -> None:
    """From here to the end of the transaction, the database lets this erasure take words out of what else only grows."""
    db.session.execute(text("SELECT set_config('counterfoil.erasure', :id, true)"), {"id": str(erasure_id)})


def take_out(gone: Mapping[int, Sequence[str]], *, erasure_id: UUID, account_id: int, actor: Actor) -> None:
    """Take these pieces out of these entries, in the caller's transaction; one new entry says which entries they were.

    gone: by the number of the entry, names like `reason`, `actor`, `after.search`. Pieces that are gone already stay gone.

    Raises:
        IntegrityError: an entry is not what was once written; nothing is taken out before somebody has looked at it.
    """
    if not gone:
        return
    begin(erasure_id)
    seals: dict[str, str | None] = {}
    for number, fields in sorted(gone.items()):
        seal = db.session.execute(text("SELECT audit_erase(:number, :gone)"), {"number": number, "gone": list(fields)})
        found = seal.scalar()
        seals[str(number)] = bytes(found).hex() if found is not None else None
    trail.record(
        actor,
        ACTION,
        "erasure",
        str(erasure_id),
        account_id=account_id,
        after={"erasure": str(erasure_id), "entries": seals},
    )
