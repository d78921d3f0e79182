"""One object read again because somebody asked for it, and what was different here."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import Unknown
from app.mirror import pull
from app.mirror.kinds import KINDS
from app.mirror.pull import Reads
from app.sync.check import said

# How Stripe's ids begin. Read it like a table; the longer beginning stands first.
BEGINNINGS = (
    ("cus_", "customer"),
    ("pi_", "payment_intent"),
    ("ch_", "charge"),
    ("py_", "charge"),
    ("re_", "refund"),
    ("pyr_", "refund"),
    ("dp_", "dispute"),
    ("du_", "dispute"),
    ("prv_", "review"),
    ("issfr_", "radar.early_fraud_warning"),
    ("seti_", "setup_intent"),
    ("sub_", "subscription"),
    ("in_", "invoice"),
    ("inpay_", "invoice_payment"),
    ("cn_", "credit_note"),
    ("cs_", "checkout.session"),
    ("txn_", "balance_transaction"),
    ("po_", "payout"),
    ("pm_", "payment_method"),
    ("card_", "payment_method"),
    ("mandate_", "mandate"),
    ("prod_", "product"),
    ("price_", "price"),
)
_LONGEST = 255
# What the mirror notes for itself.
_OURS = frozenset(
    {
        "raw",
        "account_id",
        "seen_at",
        "heard_at",
        "rank",
        "api_version",
        "requested_at",
        "asked_at",
        "tries",
        "closed_at",
    }
)


@dataclass(frozen=True, slots=True)
class Reread:
    """changes: field → (here, at Stripe). state: same, changed, new (it was not here) or deleted (Stripe knows it no more)."""

    kind: str
    id: str
    state: str
    changes: dict[str, tuple[Any, Any]]


def kind_of(object_id: str) -> str:
    """
    Raises:
        Unknown: nothing that is kept here has an id like that.
    """
    plain = len(object_id) <= _LONGEST and object_id.isascii() and object_id.replace("_", "").isalnum()
    found = next((kind for start, kind in BEGINNINGS if object_id.startswith(start)), None)
    if not plain or found is None:
        raise Unknown("Nothing that is kept here has an id like this.")
    return found


def read_one(object_id: str, *, account_id: int, actor: Actor, gateway: Reads) -> Reread:
    """Ask Stripe how this object stands and take that over, whatever stood here. Once more changes nothing more.

    Raises:
        Unknown: neither here nor at Stripe, or another account's. GatewayUnavailable, GatewayRefused: nothing was changed.
    """
    kind = kind_of(object_id)
    before = _row(kind, object_id, account_id)
    db.session.rollback()  # nothing stays open while Stripe is asked
    pull.read_again(kind, object_id, gateway, account_id)
    with transaction():
        after = _row(kind, object_id, account_id)
        if after is None:
            raise Unknown("There is no such object, neither here nor at Stripe.")
        changes = _changes(before or {}, after)
        state = _state(before, after, changes)
        trail.record(
            actor,
            "object.synced",
            kind,
            object_id,
            account_id=account_id,
            before={field: said(field, here) for field, (here, _) in changes.items()} if before else None,
            after={field: said(field, there) for field, (_, there) in changes.items()} if before else {"state": "new"},
        )
    return Reread(kind, object_id, state, changes)


def _row(kind: str, object_id: str, account_id: int) -> dict[str, Any] | None:
    """What is kept of it, as JSON; None when there is nothing, or nothing but a note that it is gone and never was here.

    Raises:
        Unknown: it belongs to another account.
    """
    door = KINDS[kind].door
    asked = text(
        f"SELECT account_id, to_jsonb(t) - CAST(:ours AS text[]) FROM {door.table.name} t WHERE {door.key} = :id"
    )
    found = db.session.execute(asked, {"id": object_id, "ours": list(_OURS)}).one_or_none()
    if found is None:
        return None
    if found[0] != account_id:
        raise Unknown("There is no such object here.")
    row: dict[str, Any] = found[1]
    return row


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before.get(name), after[name]) for name in sorted(after) if before.get(name) != after[name]}


def _state(before: dict[str, Any] | None, after: dict[str, Any], changes: dict[str, tuple[Any, Any]]) -> str:
    if after.get("deleted_at"):
        return "deleted"
    return "new" if before is None else "changed" if changes else "same"
