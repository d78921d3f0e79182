"""What has not come to its end is read again, in case nobody told us that it did."""

from datetime import timedelta

from flask import current_app

from app import clock
from app.database import db, transaction
from app.mirror import accounts, wanted_unfinished
from app.settings import Settings
from app.timetable.lines import Parameter
from jobs import running

HOURS = Parameter("hours", "Nothing heard for hours", 24, 1, 720)
MOST_OF_EACH = Parameter("most", "At most so many of each kind a night", 2_000, 1, 100_000)


def read_unfinished() -> int:
    """Have payments, refunds, disputes, payouts and the like that are not at their end read again."""
    settings: Settings = current_app.extensions["settings"]
    account = accounts.current(settings.livemode)
    db.session.rollback()
    run, now = running.current(), clock.now()
    if account.events_read_to is None:
        return 0
    noted = 0
    for kind in wanted_unfinished.UNFINISHED:
        with transaction():
            before, most = now - timedelta(hours=run.told(HOURS)), run.told(MOST_OF_EACH)
            found = wanted_unfinished.note(kind, account.id, heard_before=before, at=now, most=most)
        run.did(found)
        noted += found
    return noted
