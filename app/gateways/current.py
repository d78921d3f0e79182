"""The gateway of the running application."""

from urllib.parse import urlsplit

from flask import Flask, current_app
from sqlalchemy import Connection, Engine

from app.database import db
from app.gateways.calls import Ledger
from app.gateways.pace import LIVE, TEST, Pace
from app.gateways.stripe import Stripe
from app.settings import Settings

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


def init_gateway(app: Flask, *, rate: float | None = None) -> None:
    """Make the gateway that `gateway()` gives. `rate`: calls a second for all processes together, instead of the usual share."""
    settings: Settings = app.extensions["settings"]

    def bind() -> Engine | Connection:
        # Threads that fetch have no application context of their own.
        with app.app_context():
            return db.engine

    pace = Pace(settings.mode, rate or _usual_rate(settings), bind)
    app.extensions["gateway"] = Stripe(settings.api_key, settings.stripe_api_base, pace=pace, keep=Ledger(bind).keep)


def gateway() -> Stripe:
    """Stripe, or in sandbox mode the sandbox, for the application whose context this is."""
    found: Stripe = current_app.extensions["gateway"]
    return found


def _usual_rate(settings: Settings) -> float | None:
    """The sandbox of this machine has no limit to keep."""
    if urlsplit(settings.stripe_api_base).hostname in _LOCAL:
        return None
    return LIVE if settings.livemode else TEST
