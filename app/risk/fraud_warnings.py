"""What each early fraud warning comes to: what a dispute would cost, what the rule suggests, and what became of it.

A warning ends in exactly one of six ways. Three a person says, with words; three follow from what Stripe tells of the payment.
"""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Select, and_, case, literal, or_, select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, Unknown
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.early_fraud_warning import BY_PERSONS, RESOLUTIONS, EarlyFraudWarning
from app.money import Money
from app.risk.operations import in_words

JOB = Actor.job("settle_fraud_warnings")
_AT_ONCE = 200
# News of one payment may come in any order: so long, a warning that is over waits for what ended it.
PATIENCE = timedelta(hours=1)


def resolve(warning_id: str, resolution: str, *, account_id: int, words: str, actor: Actor) -> None:
    """Say what became of a warning. It is for good: nothing takes it back.

    Raises:
        Unknown. BadRequest: not one of the three that a person says. ReasonMissing: no words.
        Conflict: somebody was first, it is over at Stripe, or the payment was not refunded in part.
    """
    if resolution not in BY_PERSONS:
        raise BadRequest("Choose what became of it.")
    reason = in_words(words)
    with transaction():
        warning = db.session.get(EarlyFraudWarning, warning_id, with_for_update=True, populate_existing=True)
        if warning is None or warning.account_id != account_id:
            raise Unknown("There is no such fraud warning.")
        _check_open(warning)
        if resolution == "refunded_in_part":
            _check_in_part(warning)
        _keep(warning, resolution, actor, words=reason)


def settle(*, stop: Callable[[], bool] = lambda: False) -> int:
    """Resolve what was refunded or disputed meanwhile, wherever that was done, and what is over at Stripe; how many.

    A dispute counts before a refund: the refund came too late for it, or ended an inquiry.
    """
    settled = 0
    while not stop():
        found = db.session.execute(_over()).all()
        db.session.rollback()
        settled += sum(_settle(warning_id, resolution) for warning_id, resolution in found)
        if len(found) < _AT_ONCE:
            break
    return settled


def refunded_in_part(charge: Charge | None) -> bool:
    return charge is not None and Money.zero(charge.currency) < charge.refundable < charge.taken


def _settle(warning_id: str, resolution: str) -> bool:
    with transaction():
        warning = db.session.get_one(EarlyFraudWarning, warning_id, with_for_update=True, populate_existing=True)
        if warning.resolution:
            return False
        _keep(warning, resolution, JOB)
    return True


def _keep(warning: EarlyFraudWarning, resolution: str, actor: Actor, *, words: str | None = None) -> None:
    warning.resolution, warning.resolved_words = resolution, words
    warning.resolved_by, warning.resolved_at = actor.name, clock.now()
    db.session.flush()
    trail.record(
        actor,
        "fraud_warning.resolved",
        "fraud_warning",
        warning.id,
        account_id=warning.account_id,
        reason=words,
        after={"resolution": resolution, "says": RESOLUTIONS[resolution].lower(), "charge": warning.charge_id},
    )


def _check_open(warning: EarlyFraudWarning) -> None:
    if warning.resolution:
        at = warning.resolved_at or clock.now()
        raise Conflict(
            f"{warning.resolved_by} resolved this warning on {at:%-d %b %Y, %H:%M} UTC: "
            f"{RESOLUTIONS[warning.resolution].lower()}. That is for good."
        )
    if not warning.actionable:
        raise Conflict(
            "This warning is over at Stripe: the payment was refunded or disputed. It is resolved by itself."
        )


def _check_in_part(warning: EarlyFraudWarning) -> None:
    charge = db.session.get(Charge, warning.charge_id, populate_existing=True) if warning.charge_id else None
    if not refunded_in_part(charge):
        raise Conflict("This payment was not refunded in part. Refund the part first, then say so here.")


def _over() -> Select[str, str]:
    """The unresolved ones that something has ended, with what it was; oldest first."""
    warning = EarlyFraudWarning
    disputed = select(literal(1)).where(Dispute.charge_id == warning.charge_id).correlate(warning).exists()
    refunded = select(literal(1)).where(Charge.id == warning.charge_id, Charge.refunded).correlate(warning).exists()
    waited = and_(
        or_(warning.actionable.is_(False), warning.deleted_at.is_not(None)), warning.heard_at < clock.now() - PATIENCE
    )
    said = case((disputed, "disputed"), (refunded, "refunded"), else_="not_actionable")
    return (
        select(warning.id, said)
        .where(warning.resolution.is_(None), or_(disputed, refunded, waited))
        .order_by(warning.account_id, warning.created_at, warning.id)
        .limit(_AT_ONCE)
    )
