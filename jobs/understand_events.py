"""Events and objects that wait for a second look."""

from datetime import timedelta

from flask import current_app

from app import clock
from app.database import db
from app.gateways.current import gateway
from app.mirror import accounts
from app.settings import Settings
from app.webhooks import inbox, ledger, wanted
from jobs import stopping

_AT_ONCE = 500
# Some runs of this job; what it misses meanwhile is found by the catch-up.
_LATELY = timedelta(seconds=30)


def understand_events() -> int:
    """Work through the events that wait, oldest first, and read what events only mention."""
    waiting = inbox.waiting(_AT_ONCE)
    db.session.rollback()
    stripe = gateway().background
    done = 0
    for event_id in waiting:
        if stopping.requested.is_set():
            return done
        done += inbox.understand(event_id, stripe)
    settings: Settings = current_app.extensions["settings"]
    ledger.note_missing(accounts.current(settings.livemode).id, now=clock.now(), within=_LATELY)
    return done + wanted.fetch(stripe, limit=_AT_ONCE, stop=stopping.requested.is_set)
