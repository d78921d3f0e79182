"""The rule of an account: whether a warning suggests a refund, and why, in words. It decides nothing.

Source of the usual one: docs.stripe.com/disputes/measuring for the 120 days; risk and blocked buyers as marketplaces handle them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict
from app.models.account import Account
from app.models.charge import Charge
from app.models.fraud_rule import LEVELS, MOST_DAYS, USUAL_DAYS, FraudRule

_RISING = list(LEVELS)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """what: refund, ignore, or nothing where there is no payment to look at. why: in a sentence."""

    what: str
    why: str


def usual() -> FraudRule:
    """What holds until somebody sets another."""
    return FraudRule(days=USUAL_DAYS, from_risk="elevated", counts_blocked=True)


def holding(account_id: int) -> FraudRule:
    """The newest rule of the account, else the usual one."""
    return next(iter(all_of(account_id, limit=1)), None) or usual()


def all_of(account_id: int, *, limit: int = 50) -> list[FraudRule]:
    """Newest first."""
    mine = select(FraudRule).where(FraudRule.account_id == account_id)
    return list(db.session.scalars(mine.order_by(FraudRule.id.desc()).limit(limit)))


def suggest(rule: FraudRule, charge: Charge | None, *, blocked: Collection[str], now: datetime) -> Suggestion:
    """What the rule says of this payment. blocked: what of the buyer is on the block list, in words."""
    if charge is None or charge.created_at is None:
        return Suggestion("nothing", "The payment has not arrived here yet.")
    age = (now - charge.created_at).days
    if age > rule.days:
        return Suggestion(
            "ignore", f"The payment is {age} days old; after {rule.days} days hardly anybody disputes one."
        )
    if rule.counts_blocked and blocked:
        return Suggestion("refund", f"On the block list: {', '.join(sorted(blocked))}.")
    level = charge.risk_level if charge.risk_level in LEVELS else None
    if rule.from_risk == _RISING[0] or (level and _RISING.index(level) >= _RISING.index(rule.from_risk)):
        return Suggestion("refund", f"{_risk(charge)}, and a dispute is still likely.")
    more = ", and nothing of the buyer is on the block list" if rule.counts_blocked else ""
    return Suggestion("ignore", f"{_risk(charge)}{more}.")


def in_words(rule: FraudRule) -> str:
    """The rule as a sentence."""
    risk = {
        "normal": "whatever its risk",
        "elevated": "when its risk is elevated or highest",
        "highest": "when its risk is the highest",
    }[rule.from_risk]
    # Where any risk counts, the block list adds nothing.
    blocked = ", or when the buyer is on the block list" if rule.counts_blocked and rule.from_risk != _RISING[0] else ""
    return f"Refund a payment of the last {rule.days} days {risk}{blocked}; ignore the others."


def set_rule(account_id: int, form: Mapping[str, str], *, actor: Actor) -> FraudRule:
    """From now on this rule holds; the one before stays, with its dates. The same rule again changes nothing.

    Raises:
        BadRequest: a value makes no sense. Conflict: no account yet.
    """
    days, from_risk = form.get("days", "").strip(), form.get("from_risk", "")
    if not (days.isascii() and days.isdigit() and len(days) <= len(str(MOST_DAYS)) and 1 <= int(days) <= MOST_DAYS):
        raise BadRequest(f"Write the days as a whole number from 1 to {MOST_DAYS}.")
    if from_risk not in LEVELS:
        raise BadRequest("Choose from which risk on a refund is suggested.")
    if not account_id:
        raise Conflict("Nothing was heard of Stripe yet. Run the first sync, then set this.")
    counts_blocked = form.get("counts_blocked") == "yes"
    with transaction():
        # One after the other, so that what is compared with is what holds.
        db.session.get(Account, account_id, with_for_update=True)
        before = holding(account_id)
        said = (before.days, before.from_risk, before.counts_blocked)
        if before.id and said == (int(days), from_risk, counts_blocked):
            return before
        rule = FraudRule(
            account_id=account_id, days=int(days), from_risk=from_risk, counts_blocked=counts_blocked,
            set_by=actor.name, set_at=clock.now(),
        )  # fmt: skip
        db.session.add(rule)
        db.session.flush()
        trail.record(
            actor,
            "fraud_rule.set",
            "account",
            str(account_id),
            account_id=account_id,
            before={"rule": in_words(before)},
            after={"rule": in_words(rule)},
        )
    return rule


def _risk(charge: Charge) -> str:
    level = (charge.risk_level or "").replace("_", " ")
    return f"{level.capitalize()} risk" if level in LEVELS else "Its risk is not known"
