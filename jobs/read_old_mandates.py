"""A bank that ends a mandate does not always say so."""

from datetime import timedelta

from flask import current_app

from app import clock
from app.database import db, transaction
from app.mirror import accounts, wanted_mandates
from app.settings import Settings

# How long nothing may have been heard of a mandate that still allows debits.
OLDEST = timedelta(days=30)
# A night's share: at the slowest pace that a worker reads, some ten minutes. What is left is the next night's.
MOST = 5_000


def read_old_mandates() -> int:
    """Have mandates that allow debits read again when nothing was heard of them for 30 days."""
    settings: Settings = current_app.extensions["settings"]
    account = accounts.current(settings.livemode)
    db.session.rollback()
    now = clock.now()
    with transaction():
        return wanted_mandates.note_old(account.id, heard_before=now - OLDEST, at=now, most=MOST)
