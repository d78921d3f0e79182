"""A bank that ends a mandate does not always say so."""

from datetime import timedelta

from flask import current_app

from app import clock
from app.database import db, transaction
from app.mirror import accounts, wanted_mandates
from app.settings import Settings
from app.timetable.lines import Parameter
from jobs import running

# How long nothing may have been heard of a mandate that still allows debits.
OLDEST = Parameter("days", "Nothing heard for days", 30, 1, 3_650)
# A night's share: at the slowest pace that a worker reads, some ten minutes. What is left is the next night's.
MOST = Parameter("most", "At most so many a night", 5_000, 1, 100_000)


def read_old_mandates() -> int:
    """Have mandates that allow debits read again when nothing was heard of them for 30 days."""
    settings: Settings = current_app.extensions["settings"]
    account = accounts.current(settings.livemode)
    db.session.rollback()
    now, run = clock.now(), running.current()
    oldest, most = now - timedelta(days=run.told(OLDEST)), run.told(MOST)
    with transaction():
        return wanted_mandates.note_old(account.id, heard_before=oldest, at=now, most=most)
