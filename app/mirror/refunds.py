"""Refunds: ours are promised before Stripe knows them, and Stripe's word fills that promise."""

from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import text

from app.database import db
from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, part, ref, typed
from app.mirror.news import News
from app.models.refund import Refund

# The key in Stripe's metadata under which a refund carries the id of its promise.
PROMISE = "counterfoil_refund"

_RANKS = {"requires_action": 1, "pending": 1, "succeeded": 5, "canceled": 8, "failed": 9}
_OURS = (
    "id", "reason_text", "requested_by", "requested_at", "asked_at", "tries", "refusal", "approval_id", "closed_at", "closed_by",
    "closed_words", "credit_note", "trace_told_at",
)  # fmt: skip

# The promise becomes Stripe's refund, as old as can be, so that the upsert which follows is news to it. A promise of another
# charge or amount is not meant: metadata can be copied. Of two refunds that name one promise, the first is it.
_FILL = """
UPDATE refunds SET stripe_id = named.stripe_id, status = 'pending', refusal = NULL, rank = 0,
    seen_at = 'epoch', heard_at = 'epoch'
FROM json_to_record(CAST(:named AS json)) AS named (promise uuid, stripe_id text, charge text, amount bigint, currency text)
WHERE refunds.id = named.promise AND refunds.stripe_id IS NULL AND refunds.charge_id = named.charge
    AND refunds.amount = named.amount AND refunds.currency = named.currency AND refunds.account_id = :account_id
    AND NOT EXISTS (SELECT FROM refunds other WHERE other.stripe_id = named.stripe_id)
"""


def row(obj: Obj) -> Row:
    destination = typed(part(obj, "destination_details"))
    return {
        "amount": obj.get("amount") or 0,
        "currency": obj.get("currency") or "",
        "status": obj.get("status") or "unknown",
        "charge_id": ref(obj.get("charge")),
        "payment_intent_id": ref(obj.get("payment_intent")),
        "balance_transaction_id": ref(obj.get("balance_transaction")),
        "failure_balance_transaction_id": ref(obj.get("failure_balance_transaction")),
        "reason": obj.get("reason"),
        "failure_reason": obj.get("failure_reason"),
        "pending_reason": obj.get("pending_reason"),
        "receipt_number": obj.get("receipt_number"),
        "trace_reference": destination.get("reference"),
        "trace_status": destination.get("reference_status"),
    }


def rank(obj: Obj) -> int:
    """Even a refund that succeeded can fail later, never the other way round."""
    return _RANKS.get(obj.get("status") or "", 0)


DOOR = Door(Refund, row, rank, key="stripe_id", ours=_OURS)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    """Save refunds by their Stripe id; one that names a promise of ours fills it. Ids in the answer are Stripe's."""
    each = [news] * len(objects) if isinstance(news, News) else news
    named = [(obj, heard) for obj, heard in zip(objects, each, strict=True) if promise_of(obj)]
    for obj, heard in sorted(named, key=lambda pair: str(pair[0]["id"])):
        _fill_promise(obj, heard)
    return DOOR.save(objects, news)


def promise_of(obj: Obj) -> UUID | None:
    """The promise that a refund names in its metadata, if it names one."""
    try:
        return UUID(part(obj, "metadata").get(PROMISE))
    except (TypeError, ValueError, AttributeError):
        return None


def _fill_promise(obj: Obj, news: News) -> None:
    named = {
        "promise": str(promise_of(obj)),
        "stripe_id": obj["id"],
        "charge": ref(obj.get("charge")),
        "amount": obj.get("amount"),
        "currency": obj.get("currency"),
    }
    db.session.execute(text(_FILL), {"named": orjson.dumps(named).decode(), "account_id": news.account_id})
