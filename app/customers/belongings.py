"""Which rows of which tables refer to one customer, found by the names that columns have everywhere."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, Text, and_, false, func, or_, select, text

from app.customers.timeline import THINGS
from app.database import Base, db
from app.models import registry

# A column of one of these names holds the id of what a row is about.
KIN = (
    "customer_id", "charge_id", "payment_intent_id", "payment_method_id", "invoice_id", "subscription_id", "source_id",
    "dispute_id", "object_id", "subject_id", "about_id",
)  # fmt: skip
# How a table refers to a person that the names do not tell: by another table's row, or by a column of its own.
_THROUGH = {"mail_attachments": ("mail_id", "mails"), "approval_votes": ("approval_id", "approvals")}
_BATCH = 200
_IDS = text(f"WITH {THINGS} SELECT id FROM things")


class Mine(NamedTuple):
    """A table and the keys of its rows that are the person's, in order."""

    table: Table
    keys: Sequence[tuple[Any, ...]]


def tables() -> list[Table]:
    """Every table of ours, by name."""
    return sorted(
        (Base.metadata.tables[model.__tablename__] for model in registry.TABLES), key=lambda table: table.name
    )


def ids_of(customer_id: str, account_id: int) -> list[str]:
    """The customer's id and those of all that is the customer's: payments, refunds, disputes, methods, subscriptions …"""
    return list(db.session.scalars(_IDS, {"ids": [customer_id], "account_id": account_id}))


def found(customer_id: str, account_id: int) -> Iterator[Mine]:
    """Table by table, whatever rows refer to this customer."""
    ids = ids_of(customer_id, account_id)
    for table in tables():
        keys = db.session.execute(_keys(table, customer_id, account_id, ids)).all()
        if keys:
            yield Mine(table, [tuple(key) for key in keys])


def rows(mine: Mine) -> Iterator[list[dict[str, Any]]]:
    """The rows themselves, a batch at a time; no snapshot is held between two."""
    columns = list(mine.table.primary_key.columns)
    for start in range(0, len(mine.keys), _BATCH):
        batch = mine.keys[start : start + _BATCH]
        these = or_(*(and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in batch))
        read = db.session.execute(select(mine.table).where(these).order_by(*columns)).mappings().all()
        db.session.rollback()
        yield [dict(row) for row in read]


def _keys(table: Table, customer_id: str, account_id: int, ids: Sequence[str]) -> Select[Any]:
    every = select(*table.primary_key.columns).where(_refers(table, customer_id, account_id, ids))
    return every.order_by(*table.primary_key.columns)


def _refers(table: Table, customer_id: str, account_id: int, ids: Sequence[str]) -> ColumnElement[bool]:
    if table.name in _THROUGH:
        column, parents = _THROUGH[table.name]
        parent = Base.metadata.tables[parents]
        return table.c[column].in_(select(parent.c.id).where(_refers(parent, customer_id, account_id, ids)))
    if table.name == "customer_links":
        refers: ColumnElement[bool] = or_(table.c.one == customer_id, table.c.other == customer_id)
    else:
        own = [table.c.id.in_(ids)] if "id" in table.c and isinstance(table.c.id.type, Text) else []
        refers = or_(false(), *own, *(table.c[name].in_(ids) for name in KIN if name in table.c))
    if table.name == "saved_views":
        # A filter may name a customer or a payment.
        asked = func.jsonb_each_text(table.c.asked).table_valued("key", "value")
        refers = select(asked.c.value).where(asked.c.value.in_(ids)).exists()
    if table.name == "gateway_calls":
        refers = or_(refers, table.c.idempotency_key.in_([f"refund:{key}" for key in ids]))
    return and_(refers, table.c.account_id == account_id) if _is_owned(table) else refers


def _is_owned(table: Table) -> bool:
    """Rows of the trail name no account where the act is not about one."""
    return "account_id" in table.c and not table.c.account_id.nullable
