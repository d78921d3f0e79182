"""Customers who look like one person: the same address, as mail servers read it, or the same card or account.

A card that a thousand customers share is a thousand lines and not half a million: each customer stands beside the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select, text

from app.database import db
from app.models.customer import Customer
from app.web.accounts import current_account_id
from app.web.people import Payer

PAGE = 50
MOST_OWNERS = 200
By = Literal["email", "card"]
# Walks an index from where the last page ended. What shares no key costs one step; nothing is compared with everything.
_KEYS = {
    "email": "SELECT email_key(email) AS key, id FROM customers "
    "WHERE account_id = :account_id AND email_key(email) >= :key AND deleted_at IS NULL",
    "card": "SELECT fingerprint AS key, customer_id AS id FROM payment_methods "
    "WHERE account_id = :account_id AND fingerprint >= :key AND customer_id IS NOT NULL GROUP BY fingerprint, customer_id",
}
_PAIRS = """
    SELECT key, before, id, EXISTS (
            SELECT FROM customer_links WHERE account_id = :account_id AND (one, other) IN ((before, id), (id, before))) AS linked
      FROM (SELECT key, id, lag(id) OVER (PARTITION BY key ORDER BY id) AS before FROM ({keys}) AS keys) AS neighbours
     WHERE before IS NOT NULL AND (key, id) > (:key, :after) ORDER BY key, id LIMIT :limit
"""
# A refund is negative in the ledger of its own, so the sum of a charge's own lines is what was taken.
_OWNERS = text("""
    WITH owners (id) AS (
        SELECT customer_id FROM payment_methods WHERE fingerprint = :fingerprint AND account_id = :account_id
           AND customer_id IS NOT NULL
        UNION SELECT customer_id FROM charges WHERE fingerprint = :fingerprint AND account_id = :account_id
           AND customer_id IS NOT NULL)
    SELECT owners.id, c.name, c.email, paid.currency, coalesce(paid.payments, 0) AS payments,
           coalesce(paid.amount, 0)::bigint AS amount, coalesce(paid.failed, 0) AS failed, coalesce(paid.disputed, 0) AS disputed
      FROM (SELECT id FROM owners ORDER BY id LIMIT :limit) AS owners LEFT JOIN customers AS c ON c.id = owners.id
      LEFT JOIN LATERAL (
          SELECT currency, count(*) FILTER (WHERE paid) AS payments, sum(amount_captured) FILTER (WHERE paid) AS amount,
                 count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE disputed) AS disputed
            FROM charges WHERE fingerprint = :fingerprint AND charges.customer_id = owners.id AND account_id = :account_id
           GROUP BY currency) AS paid ON true
     ORDER BY coalesce(paid.disputed, 0) DESC, owners.id, paid.currency
""")


@dataclass(frozen=True, slots=True)
class Pair:
    """`key`: the address as mail servers read it, or the fingerprint."""

    key: str
    first: Payer
    second: Payer
    linked: bool


def pairs(by: By, *, after: tuple[str, str] | None) -> list[Pair]:
    """A page of pairs and one more, if there is one; two queries."""
    key, last = after or ("", "")
    asked = {"account_id": current_account_id(), "key": key, "after": last, "limit": PAGE + 1}
    found = db.session.execute(text(_PAIRS.format(keys=_KEYS[by])), asked).all()
    known = _payers({id_ for row in found for id_ in (row.before, row.id)})
    return [Pair(row.key, known(row.before), known(row.id), row.linked) for row in found]


def owners_of(fingerprint: str) -> Sequence[Any]:
    """Who pays with this, a line for each customer and currency: payments that succeeded, their sum, failures, disputes."""
    if "\0" in fingerprint:
        return []
    asked = {"fingerprint": fingerprint, "account_id": current_account_id(), "limit": MOST_OWNERS}
    return db.session.execute(_OWNERS, asked).all()


def _payers(ids: set[str]) -> Any:
    found = select(Customer.id, Customer.name, Customer.email).where(Customer.id.in_(ids))
    known = {row.id: Payer(*row) for row in db.session.execute(found)} if ids else {}
    return lambda key: known.get(key) or Payer(key, None, None)
