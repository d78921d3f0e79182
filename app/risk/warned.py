"""Early fraud warnings with what is known of their payments: a few questions for a whole page of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.functions import func

from app import clock
from app.database import db
from app.models.block_list_item import BlockListItem
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.early_fraud_warning import OPEN, EarlyFraudWarning
from app.money import MinorUnits, Money
from app.risk import fraud_rules, queries
from app.risk.block_lists import ITEM_TYPES
from app.risk.fraud_rules import Suggestion
from app.web.accounts import current_account_id


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning with its payment, if that has arrived. fee: what Stripe took for the newest dispute in its currency, if any."""

    warning: EarlyFraudWarning
    charge: Charge | None
    fee: Money | None
    suggestion: Suggestion
    at: datetime

    @property
    def left(self) -> Money | None:
        """Of the payment, by Stripe's own count: what is in flight is not looked up for each line of a list."""
        charge = self.charge
        if charge is None:
            return None
        return Money(MinorUnits(max(0, charge.amount_captured - charge.amount_refunded)), charge.currency)

    @property
    def cost(self) -> Money | None:
        """What a dispute would take: what is left of the payment, and the fee as far as it is known."""
        return self.left + self.fee if self.left is not None and self.fee is not None else self.left

    @property
    def risk(self) -> str | None:
        level = self.charge.risk_level if self.charge else None
        return level.replace("_", " ").capitalize() if level else None

    @property
    def days(self) -> int | None:
        """How long ago it was paid."""
        paid_at = self.charge.created_at if self.charge else None
        return (self.at - paid_at).days if paid_at else None

    @property
    def advice(self) -> str | None:
        """Nothing once it is resolved."""
        words = {"refund": "Refund", "ignore": "Ignore", "nothing": None}
        return words[self.suggestion.what] if self.warning.state == OPEN else None

    @property
    def can_be_refunded(self) -> bool:
        return self.warning.state == OPEN and self.charge is not None and self.charge.refund_obstacle is None

    @property
    def can_be_chosen(self) -> bool:
        """As far as the list knows, which does not look at what is in flight; the check of the batch does."""
        charge = self.charge
        return self.warning.state == OPEN and charge is not None and charge.captured and not charge.refunded


def with_payments(rows: Sequence[EarlyFraudWarning]) -> list[Warned]:
    """Four questions, however many there are."""
    found, now = queries.charges(row.charge_id for row in rows), clock.now()
    rule = fraud_rules.holding(current_account_id())
    blocked, fees = _blocked(list(found.values())), _fees()
    warned = []
    for row in rows:
        charge = found.get(row.charge_id or "")
        says = fraud_rules.suggest(rule, charge, blocked=_of_buyer(charge, blocked), now=now)
        warned.append(Warned(row, charge, fees.get(charge.currency) if charge else None, says, now))
    return warned


def _of_buyer(charge: Charge | None, blocked: set[tuple[str, str]]) -> list[str]:
    return [ITEM_TYPES[kind].lower() for kind, value in _values(charge) if (kind, value) in blocked]


def _values(charge: Charge | None) -> list[tuple[str, str]]:
    """(type, value) of what can be blocked about it, as the payment itself says."""
    if charge is None:
        return []
    email = charge.receipt_email.lower() if charge.receipt_email else None
    pairs = (("card_fingerprint", charge.fingerprint), ("email", email), ("customer_id", charge.customer_id))
    return [(kind, value) for kind, value in pairs if value]


def _blocked(charges: Sequence[Charge]) -> set[tuple[str, str]]:
    values = sorted({value for charge in charges for _, value in _values(charge)})
    item = BlockListItem
    mine: ColumnElement[bool] = item.account_id == current_account_id()
    listed = select(item.item_type, item.value).where(mine, item.value.in_(values), item.removed_at.is_(None))
    return {(kind, value) for kind, value in db.session.execute(listed)}


def _fees() -> dict[str, Money]:
    """The newest fee for a dispute by currency, among the last disputes: it changes once in years."""
    mine = (Dispute.account_id == current_account_id(), Dispute.fee > 0, Dispute.deducted_currency.is_not(None))
    newest = (
        select(Dispute.deducted_currency.label("currency"), Dispute.fee, Dispute.created_at)
        .where(*mine)
        .order_by(Dispute.created_at.desc(), Dispute.id.desc())
        .limit(200)
        .subquery()
    )
    by_currency = select(
        newest.c.currency, func.array_agg(aggregate_order_by(newest.c.fee, newest.c.created_at.desc()))
    ).group_by(newest.c.currency)
    return {code: Money(MinorUnits(fees[0]), code) for code, fees in db.session.execute(by_currency)}
