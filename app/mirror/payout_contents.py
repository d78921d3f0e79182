"""Which lines of the ledger went out with which payout: no line says so, each payout is asked for its own."""

from typing import Any

from sqlalchemy import text

from app.database import db, transaction
from app.mirror import balance_transactions, pull
from app.mirror.fields import Obj
from app.mirror.news import News
from app.mirror.pull import Reads

# As a thing to be read, beside the kinds of objects.
KIND = "payout_contents"

# Stripe knows the contents of automatic payouts only.
_UNKNOWN = text("""
    SELECT id FROM payouts AS payout
     WHERE account_id = :account_id AND automatic AND status IN ('pending', 'in_transit', 'paid') AND deleted_at IS NULL
       AND id > :after
       AND NOT EXISTS (SELECT FROM balance_transactions AS line WHERE line.payout_id = payout.id)
     ORDER BY id LIMIT :limit
""")


def unknown(account_id: int, *, after: str = "", limit: int = 100) -> list[str]:
    """Payouts whose contents nobody asked for yet, in the order of their ids."""
    found = db.session.execute(_UNKNOWN, {"account_id": account_id, "after": after, "limit": limit})
    ids = list(found.scalars())
    db.session.rollback()  # nothing stays open while Stripe is asked
    return ids


def read(payout_id: str, gateway: Reads, account_id: int) -> int:
    """Ask Stripe what is in this payout and keep it; how many lines that are.

    Raises:
        GatewayUnavailable, GatewayRefused: nothing was changed.
    """
    answers = list(pull.pages("/v1/balance_transactions", {"payout": payout_id}, gateway))
    lines: list[tuple[Obj, Any]] = [(line, News.read(answer, account_id)) for answer in answers for line in answer.data]
    with transaction():
        balance_transactions.save_all([line for line, _ in lines], [news for _, news in lines])
        balance_transactions.belong(payout_id, [line["id"] for line, _ in lines])
    return len(lines)
