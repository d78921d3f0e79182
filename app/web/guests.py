"""Guests: who paid without being a customer, and is known by nothing but the address the payment names."""

from sqlalchemy import ColumnElement, and_, func, select, union_all

from app.database import db
from app.models.charge import Charge
from app.web.accounts import current_account_id
from app.web.admin import may
from app.web.permissions import Permission

AT_MOST = 500
_LAST = "\U0010ffff"


def payments_of(typed: str) -> list[str]:
    """Ids of guests' payments with this address, or one that begins so; who may not see addresses has to know the whole of one.

    A list and not a condition: with a few ids PostgreSQL looks them up, instead of asking every payment for its address.
    """
    if not typed or any(letter.isspace() for letter in typed):
        return []
    # One stretch of an index for either place where the address may stand.
    named = (func.lower(Charge.receipt_email), func.lower(Charge.billing_details["email"].astext))
    arms = [
        select(Charge.id)
        .where(
            Charge.account_id == current_account_id(), Charge.customer_id.is_(None), _is(address.collate("C"), typed)
        )
        .order_by(address.collate("C"))
        .limit(AT_MOST)
        .subquery()
        for address in named
    ]
    return list(dict.fromkeys(db.session.scalars(union_all(*(select(arm.c.id) for arm in arms)))))


def _is(address: ColumnElement[str], typed: str) -> ColumnElement[bool]:
    wanted = func.lower(typed)
    if not may(Permission.PERSONAL_READ):
        return address == wanted
    return and_(address >= wanted, address < wanted.concat(_LAST))
