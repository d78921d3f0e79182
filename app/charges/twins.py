"""Payments that may be one purchase paid twice: told "failed", the customer paid again, and the first went through after all."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import aliased, load_only

from app.database import db
from app.models.charge import Charge

# Between the tries of the one and the tries of the other.
WITHIN = timedelta(minutes=30)
# No payment takes longer to go through: it bounds what is looked at of a customer with thousands.
_REACH = timedelta(days=31)
_AT_MOST = 5
_SHOWN = (
    *(Charge.amount, Charge.amount_captured, Charge.amount_refunded, Charge.currency, Charge.created_at),
    *(Charge.status, Charge.captured, Charge.refunded, Charge.disputed, Charge.outcome_type),
)


def of(charge: Charge) -> list[Charge]:
    """The other payments that went through, of the same customer (a guest: the same card) and amount, minutes apart; oldest first.

    It works both ways: if one is another's twin, that one is its twin.
    """
    if charge.status != "succeeded" or charge.created_at is None or (same := _same_payer(charge)) is None:
        return []
    first, last = _tries_of(charge, charge.created_at, func.min), _tries_of(charge, charge.created_at, func.max)
    paid = (
        select(Charge)
        .where(
            Charge.account_id == charge.account_id,
            Charge.created_at.between(charge.created_at - _REACH, charge.created_at + _REACH),
            same,
            Charge.amount == charge.amount,
            Charge.currency == charge.currency,
            Charge.status == "succeeded",
            Charge.id != charge.id,
            _some_try(lambda tried_at: tried_at <= last + WITHIN),
            _some_try(lambda tried_at: tried_at >= first - WITHIN),
        )
        .order_by(Charge.created_at, Charge.id)
        .limit(_AT_MOST)
        .options(load_only(*_SHOWN, raiseload=True))
    )
    if charge.payment_intent_id:
        paid = paid.where(Charge.payment_intent_id.is_distinct_from(charge.payment_intent_id))
    return list(db.session.scalars(paid))


def _same_payer(charge: Charge) -> ColumnElement[bool] | None:
    if charge.customer_id:
        return Charge.customer_id == charge.customer_id
    if charge.fingerprint and charge.last4:
        # last4 has an index, and few cards share one.
        return and_(
            Charge.last4 == charge.last4, Charge.fingerprint == charge.fingerprint, Charge.customer_id.is_(None)
        )
    return None


def _tries_of(charge: Charge, at: datetime, end: Callable[[Any], Any]) -> ColumnElement[datetime]:
    """The first or the last try (min or max) of the same wish to be paid, as part of a question."""
    if not charge.payment_intent_id:
        return literal(at)
    mine = aliased(Charge)
    tries = select(end(mine.created_at)).where(mine.payment_intent_id == charge.payment_intent_id)
    return func.coalesce(tries.scalar_subquery(), at)


def _some_try(fits: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """The payment itself, or another try of the same intent."""
    other = aliased(Charge)
    tried = select(other.id).where(other.payment_intent_id == Charge.payment_intent_id, fits(other.created_at))
    return or_(fits(Charge.created_at), tried.exists())
