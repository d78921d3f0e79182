"""Lines of Stripe's ledger."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, ref, when
from app.mirror.news import News
from app.models.balance_transaction import BalanceTransaction


def row(obj: Obj) -> Row:
    return {
        "type": obj.get("type") or "unknown",
        "reporting_category": obj.get("reporting_category") or "unknown",
        "amount": obj.get("amount") or 0,
        "fee": obj.get("fee") or 0,
        "net": obj.get("net") or 0,
        "currency": obj.get("currency") or "",
        "status": obj.get("status") or "unknown",
        "available_at": when(obj.get("available_on")),
        "source_id": ref(obj.get("source")),
        "exchange_rate": obj.get("exchange_rate"),
        "balance_type": obj.get("balance_type"),
        "description": obj.get("description"),
        "fee_details": obj.get("fee_details"),
    }


def rank(obj: Obj) -> int:
    return 9 if obj.get("status") == "available" else 1


# Which payout paid a line out is not in the line: it is learnt by asking for the lines of a payout.
DOOR = Door(BalanceTransaction, row, rank, ours=("payout_id",))


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
