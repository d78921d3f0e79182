"""Rows that have not come to their end: most will by an event, and the rest is asked for."""

from datetime import datetime

from sqlalchemy import text

from app.database import db
from app.mirror.kinds import KINDS

# Kind → what says that it is not at its end. A subscription never is; of those only what is about to fail is asked for.
UNFINISHED = {
    "payment_intent": "status IN ('requires_action', 'requires_capture', 'processing', 'requires_confirmation')",
    "charge": "status = 'pending' OR (status = 'succeeded' AND NOT captured AND NOT refunded)",
    "refund": "status IN ('pending', 'requires_action')",
    "dispute": "status NOT IN ('won', 'lost', 'warning_closed', 'prevented', 'charge_refunded')",
    "payout": "status IN ('pending', 'in_transit')",
    "setup_intent": "status IN ('requires_action', 'processing')",
    "subscription": "status IN ('incomplete', 'past_due', 'unpaid')",
    "invoice": "status IN ('draft', 'open')",
    "checkout.session": "status = 'open'",
    "review": "open",
    "balance_transaction": "status = 'pending' AND available_at BETWEEN :at - interval '40 days' AND :at",
}


def note(kind: str, account_id: int, *, heard_before: datetime, at: datetime, most: int) -> int:
    """Have the worker read again what is not at its end and was not heard of since, in the caller's transaction.

    Those of which nothing was heard for longest are first. Returns how many were noted, `most` at most.
    """
    door = KINDS[kind].door
    statement = text(f"""
        INSERT INTO wanted_objects (account_id, kind, id, wanted_at, next_try_at)
        SELECT :account_id, :kind, old.id, :at, :at
          FROM (SELECT {door.key} AS id FROM {door.table.name}
                 WHERE account_id = :account_id AND deleted_at IS NULL AND {door.key} IS NOT NULL AND heard_at < :before
                   AND ({UNFINISHED[kind]})
                 ORDER BY heard_at, {door.key} LIMIT :most) AS old
         ORDER BY old.id
        ON CONFLICT DO NOTHING RETURNING 1""")
    values = {"account_id": account_id, "kind": kind, "before": heard_before, "at": at, "most": most}
    return len(db.session.execute(statement, values).all())
