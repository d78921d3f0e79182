"""What the webhook did not bring."""

from flask import current_app

from app import clock
from app.database import db
from app.gateways.current import gateway
from app.mirror import accounts
from app.settings import Settings
from app.sync.catch_up import catch_up
from app.webhooks import inbox, ledger, wanted


def catch_up_events() -> int:
    """Read Stripe's own list of events on from where we stopped, and note parents that never came."""
    settings: Settings = current_app.extensions["settings"]
    account = accounts.current(settings.livemode)
    db.session.rollback()
    noted = wanted.note_missing_parents(account.id, now=clock.now())
    noted += ledger.note_missing(account.id, now=clock.now(), within=wanted.REACH)
    if account.events_read_to is None:
        # Nothing was copied yet: the first sync reads everything, and from then on there is a place to read on from.
        return noted
    return noted + catch_up(gateway().background, account.id, inbox.take_in_listed)
