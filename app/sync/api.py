"""POST /api/sync/<id>: a program has one object read again."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.errors import Unknown
from app.gateways.current import gateway
from app.sync import single
from app.web.accounts import current_account
from app.web.guard import for_keys
from app.web.people import visible
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

sync_api = Blueprint("sync_api", __name__, url_prefix="/api/sync")


@sync_api.post("/<object_id>")
@for_keys
@needs(Permission.SYNC)
def read_again(object_id: str) -> ResponseReturnValue:
    """Read it from Stripe, and answer what was different here. Sent twice, the second finds nothing different."""
    account = current_account()
    if account is None:
        raise Unknown("Stripe was never heard of here. Sync first.")
    found = single.read_one(object_id, account_id=account.id, actor=current_actor(), gateway=gateway())
    changes = [
        {"field": field, "here": visible({field: here})[field], "stripe": visible({field: there})[field]}
        for field, (here, there) in found.changes.items()
    ]
    return {"id": found.id, "kind": found.kind, "state": found.state, "changes": changes}
