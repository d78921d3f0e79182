"""Events and objects that wait for a second look."""

from app.database import db
from app.gateways.current import gateway
from app.webhooks import inbox, wanted
from jobs import stopping

_AT_ONCE = 500


def understand_events() -> int:
    """Work through the events that wait, oldest first, and read what events only mention."""
    waiting = inbox.waiting(_AT_ONCE)
    db.session.rollback()
    done = 0
    for event_id in waiting:
        if stopping.requested.is_set():
            return done
        done += inbox.understand(event_id, gateway())
    return done + wanted.fetch(gateway(), limit=_AT_ONCE, stop=stopping.requested.is_set)
