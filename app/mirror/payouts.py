"""Payouts."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, day, part, ref
from app.mirror.news import News
from app.models.payout import Payout

# A payout that was paid may still come back as failed.
_RANKS = {"pending": 1, "in_transit": 2, "paid": 3, "failed": 9, "canceled": 9}


def row(obj: Obj) -> Row:
    return {
        "amount": obj.get("amount") or 0,
        "currency": obj.get("currency") or "",
        "status": obj.get("status") or "unknown",
        "arrives_on": day(obj.get("arrival_date")),
        "automatic": obj.get("automatic"),
        "method": obj.get("method"),
        "type": obj.get("type"),
        "description": obj.get("description"),
        "statement_descriptor": obj.get("statement_descriptor"),
        "destination_id": ref(obj.get("destination")),
        "balance_transaction_id": ref(obj.get("balance_transaction")),
        "failure_code": obj.get("failure_code"),
        "failure_message": obj.get("failure_message"),
        "failure_balance_transaction_id": ref(obj.get("failure_balance_transaction")),
        "reconciliation_status": obj.get("reconciliation_status"),
        "original_payout_id": ref(obj.get("original_payout")),
        "reversed_by_id": ref(obj.get("reversed_by")),
        "trace_id": part(obj, "trace_id").get("value"),
    }


def rank(obj: Obj) -> int:
    return _RANKS.get(obj.get("status") or "", 0)


DOOR = Door(Payout, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
