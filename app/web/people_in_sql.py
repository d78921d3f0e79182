"""Who paid, as PostgreSQL writes it into a download; for readers who see addresses in full."""

from typing import Any

from sqlalchemy import Select, and_
from sqlalchemy.orm import aliased

from app.models.customer import Customer
from app.web import in_sql
from app.web.accounts import current_account_id
from app.web.in_sql import Cell, Value

# A name of its own, so that a filter that asks for customers still means all of them.
PAYER = aliased(Customer, name="payer")


def with_payers(rows: Select[Any], customer_id: Value) -> Select[Any]:
    """The rows, each with its customer where we know one."""
    return rows.outerjoin(PAYER, and_(PAYER.id == customer_id, PAYER.account_id == current_account_id()))


def address_first(receipt_email: Value) -> Cell:
    """The customer's address, else the one of the receipt, else what the customer is called."""
    return in_sql.first(PAYER.email, receipt_email, PAYER.name, PAYER.id)


def called(customer: Any = PAYER) -> Cell:
    """The name, else the address, else the id."""
    return in_sql.first(customer.name, customer.email, customer.id)
