"""Alerts: what somebody wants to hear of, and today's work."""

from flask import current_app

from app.alerts import alerts, digest, sending
from app.mirror import accounts
from app.settings import Settings
from jobs import stopping


def look_for_alerts() -> int:
    """Look for what the alert rules name, and tell what is new."""
    return alerts.look(_account_id())


def deliver_alerts() -> int:
    """Bring alerts to their receivers."""
    return sending.deliver_waiting(current_app.extensions["settings"], stop=stopping.requested.is_set)


def send_digests() -> int:
    """Write the daily digest to everybody for whom it is eight in the morning."""
    return digest.send_due(_account_id())


def _account_id() -> int:
    settings: Settings = current_app.extensions["settings"]
    return accounts.current(settings.livemode).id
