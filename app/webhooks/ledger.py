"""Lines of Stripe's ledger (balance transactions): no event is about them, but payments, refunds, disputes and payouts name theirs.

Without them a page shows no fees and no net amount until the next sync.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from math import ceil

from sqlalchemy import text

from app.database import db, transaction
from app.errors import DomainError
from app.mirror import kinds, pull
from app.mirror.news import News
from app.mirror.pull import Reads

log = logging.getLogger("webhooks.ledger")

KIND = "balance_transaction"
# So few are asked for one by one, which costs no more than a page.
FEW = 3
# Among the newest so many times their number they are found, unless the account is far busier than its webhooks say.
_REACH = 3

# Stripe's object name, our table and its key, and where in a row the lines are named.
_NAMED_IN = (
    ("charge", "charges", "id", "ARRAY[child.balance_transaction_id]"),
    ("refund", "refunds", "stripe_id", "ARRAY[child.balance_transaction_id, child.failure_balance_transaction_id]"),
    ("dispute", "disputes", "id", "child.balance_transactions"),
    ("payout", "payouts", "id", "ARRAY[child.balance_transaction_id, child.failure_balance_transaction_id]"),
)
# Looked for behind the events rather than in them: taking an event in stays one insert shorter.
_NOTE = """
    INSERT INTO wanted_objects (account_id, kind, id, wanted_at, next_try_at)
    SELECT DISTINCT child.account_id, 'balance_transaction', line.id, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
      FROM webhook_events AS event
      JOIN {table} AS child ON child.{key} = event.object_id
     CROSS JOIN unnest({lines}) AS line (id)
     WHERE event.account_id = :account_id AND event.received_at >= :since AND event.object_type = '{kind}'
       AND line.id IS NOT NULL AND NOT EXISTS (SELECT FROM balance_transactions AS known WHERE known.id = line.id)
    ON CONFLICT DO NOTHING
    RETURNING 1
"""
_FOUND = text("DELETE FROM wanted_objects WHERE account_id = :account_id AND kind = :kind AND id = ANY(:ids)")


def note_missing(account_id: int, *, now: datetime, within: timedelta) -> int:
    """Note the lines that are named by what events of this last while were about, and are not here; how many."""
    values = {"account_id": account_id, "now": now, "since": now - within}
    noted = 0
    for kind, table, key, lines in _NAMED_IN:
        with transaction():
            query = text(_NOTE.format(kind=kind, table=table, key=key, lines=lines))
            noted += len(db.session.execute(query, values).all())
    return noted


def read_newest(wanted: Sequence[tuple[int, str]], gateway: Reads) -> int:
    """Read many wanted lines, as (account, id), a hundred at a time; how many were found. What is left is to be had one by one."""
    found = 0
    for account_id, group in groupby(sorted(wanted), key=lambda line: line[0]):
        ids = {line_id for _, line_id in group}
        if len(ids) > FEW:
            found += _read_pages(account_id, ids, gateway)
    return found


def _read_pages(account_id: int, ids: set[str], gateway: Reads) -> int:
    missing = set(ids)
    try:
        for answer in islice(pull.pages(kinds.KINDS[KIND].path, {}, gateway), ceil(_REACH * len(ids) / pull.PAGE)):
            came = missing & {line["id"] for line in answer.data}
            with transaction():
                kinds.save_all(KIND, answer.data, News.read(answer, account_id))
                db.session.execute(_FOUND, {"account_id": account_id, "kind": KIND, "ids": sorted(came)})
            missing -= came
            if not missing:
                break
    except DomainError as error:
        log.warning("webhooks.ledger_not_read", extra={"reason": type(error).__name__})
    return len(ids) - len(missing)
