"""Looking again at a mandate or a way to pay."""

from typing import Any

from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.mirror import pull
from app.mirror.pull import Reads
from app.models.mandate import Mandate
from app.models.payment_method import PaymentMethod

# What counts as a change, by kind.
_TOLD: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "mandate": (Mandate, ("status", "network_status", "revocation_reason", "deleted_at")),
    "payment_method": (PaymentMethod, ("customer_id", "last4", "exp_month", "exp_year", "deleted_at")),
}


def read_again(kind: str, object_id: str, *, actor: Actor, gateway: Reads) -> bool:
    """Ask Stripe how it stands and take that over; whether anything was different.

    Raises:
        GatewayUnavailable, GatewayRefused: nothing was changed.
    """
    account_id, before = _state(kind, object_id)
    db.session.rollback()  # nothing stays open while Stripe is asked
    pull.read_again(kind, object_id, gateway, account_id)
    with transaction():
        _, after = _state(kind, object_id)
        changed = sorted(name for name in before if before[name] != after[name])
        trail.record(
            actor,
            "object.synced",
            kind,
            object_id,
            account_id=account_id,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    return bool(changed)


def _state(kind: str, object_id: str) -> tuple[int, dict[str, Any]]:
    model, names = _TOLD[kind]
    row = db.session.get_one(model, object_id, populate_existing=True)
    return row.account_id, {name: getattr(row, name) for name in names}
