"""Letters that wait in the outbox."""

from flask import current_app

from app.mail import sending
from jobs import stopping


def send_mails() -> int:
    """Send what waits in the outbox, oldest first."""
    return sending.send_waiting(current_app.extensions["settings"], stop=stopping.requested.is_set)
