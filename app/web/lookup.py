"""From an id in an address to a row, whatever somebody typed there."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm.interfaces import ORMOption

from app.database import Base, db
from app.errors import Unknown
from app.web.accounts import current_account_id

Row = TypeVar("Row", bound=Base)
_LARGEST = 2**63 - 1


def find(model: type[Row], text: str, *, what: str, of_account: bool = True, together: Sequence[ORMOption] = ()) -> Row:
    """The row with this id. of_account: one of another Stripe account is as unknown as one that does not exist.

    together: how to bring along, in the same question, what the page shows of it.

    Raises:
        Unknown: there is none, or `text` cannot be an id at all.
    """
    key = _key(model, text)
    # A list may have left a row with only its own columns in this session; a page needs all of them.
    row = db.session.get(model, key, populate_existing=True, options=together) if key is not None else None
    if row is None or (of_account and row.account_id != current_account_id()):  # type: ignore[attr-defined]
        raise Unknown(f"There is no {what} with this id here. It may not have been synced yet.")
    return row


def _key(model: type[Base], text: str) -> Any:
    """The id as the column's type, None where it cannot be one."""
    kind = model.__mapper__.primary_key[0].type.python_type
    try:
        if kind is int:
            return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(_LARGEST)) else None
        if kind is UUID:
            return UUID(text)
    except ValueError:
        return None
    return text if "\0" not in text else None
