"""Where Stripe sends its events."""

from flask import current_app

from app.database import db
from app.gateways.current import gateway
from app.mirror import accounts
from app.settings import Settings
from app.webhooks import endpoints


def look_at_endpoints() -> int:
    """Read from Stripe where it sends its events, and compare that with what is needed."""
    settings: Settings = current_app.extensions["settings"]
    account = accounts.current(settings.livemode)
    db.session.rollback()
    if account.events_read_to is None:
        # Nothing was copied yet: there is no line to Stripe to look after.
        return 0
    return endpoints.read(gateway().background, account_id=account.id, domain=settings.domain)
