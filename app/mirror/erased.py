"""Which Stripe ids are an erased person's. Rows of theirs are stripped before they are written, whoever brings them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Table, text

from app.database import db

# Columns that name whose a row is, directly or through what it belongs to.
KIN = (
    "customer_id", "charge_id", "payment_intent_id", "payment_method_id", "invoice_id", "subscription_id", "source_id",
    "setup_intent_id", "mandate_id",
)  # fmt: skip

_AMONG = text("SELECT id, erasure_id, customer_id FROM erased_objects WHERE id = ANY(:ids)")
_ADD = text("""
    INSERT INTO erased_objects (id, account_id, customer_id, erasure_id, erased_at)
    SELECT said.id, :account_id, :customer_id, :erasure_id, clock_timestamp() FROM unnest(CAST(:ids AS text[])) AS said (id)
     ORDER BY said.id
    ON CONFLICT (id) DO NOTHING
    RETURNING id
""")


class Mark(NamedTuple):
    """Whose an id is, and which erasure took them out."""

    erasure_id: UUID
    customer_id: str


def kin_of(table: Table, key: str, ours: Collection[str] = ()) -> list[str]:
    """The columns of a mirrored table by which its rows are recognised: its own id, and what it names."""
    return [key, *(name for name in KIN if name in table.c and name not in ours)]


def among(ids: Iterable[str | None]) -> dict[str, Mark]:
    """Those of these ids that are an erased person's."""
    asked = sorted({key for key in ids if key})
    if not asked:
        return {}
    return {row.id: Mark(row.erasure_id, row.customer_id) for row in db.session.execute(_AMONG, {"ids": asked})}


def knows(*ids: str | None) -> bool:
    """Whether one of these was an erased person's, so that what is kept of it does not say any more who that was."""
    return bool(among(ids))


def mark_of(row: Mapping[str, Any], kin: Iterable[str], known: Mapping[str, Mark]) -> Mark | None:
    """Whose this row is, as far as `known` says."""
    return next((known[row[name]] for name in kin if row.get(name) in known), None)


def add(ids: Iterable[str], mark: Mark, account_id: int) -> list[str]:
    """From now on these are recognised as well; the ones that are new, in the transaction that is open."""
    values = {"ids": sorted(set(ids)), "account_id": account_id, **mark._asdict()}
    return list(db.session.execute(_ADD, values).scalars())
