"""Lines of Stripe's ledger."""

from collections.abc import Sequence

from sqlalchemy import text

from app.database import db
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


_BELONG = text(
    "UPDATE balance_transactions SET payout_id = CASE WHEN id = ANY(:ids) THEN :payout_id END "
    "WHERE (id = ANY(:ids) AND payout_id IS DISTINCT FROM :payout_id) OR (payout_id = :payout_id AND id <> ALL(:ids))"
)

# Which payout paid a line out is not in the line: it is learnt by asking for the lines of a payout.
DOOR = Door(BalanceTransaction, row, rank, ours=("payout_id",))


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)


def belong(payout_id: str, line_ids: Sequence[str]) -> None:
    """These lines, and no others, are what the payout is made of; in the transaction that is open."""
    db.session.execute(_BELONG, {"payout_id": payout_id, "ids": sorted(line_ids)})
