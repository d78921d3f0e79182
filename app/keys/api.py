"""GET /api/ping: what a program needs to know of itself before it begins."""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from app.settings import Settings
from app.web.accounts import current_account
from app.web.bearer import current_key
from app.web.guard import for_keys
from app.web.permissions import SIGNED_IN, needs

api = Blueprint("api", __name__, url_prefix="/api")


@api.get("/ping")
@for_keys
@needs(SIGNED_IN)
def ping() -> ResponseReturnValue:
    """Which key this is, what it may at this moment, and whose data it opens."""
    settings: Settings = current_app.extensions["settings"]
    key, account = current_key(), current_account()
    if key is None:  # the guard answered already
        raise RuntimeError("a request without a key came through the guard")
    return {
        "key": {
            "name": key.name,
            "prefix": key.prefix,
            "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        },
        "scopes": sorted(permission.value for permission in key.permissions),
        "account": {"id": account.stripe_id, "name": account.name} if account else None,
        "mode": settings.mode,
    }
