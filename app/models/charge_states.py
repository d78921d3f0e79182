"""What became of a payment, as conditions of PostgreSQL: the words of `Charge.state`."""

from sqlalchemy import and_

from app.models.charge import Charge

_TAKEN = and_(Charge.status == "succeeded", Charge.captured)
# Stripe counts what was held and never captured as refunded; of what was captured, this went back.
_GIVEN_BACK = Charge.amount_refunded - (Charge.amount - Charge.amount_captured)

STATES = {
    "succeeded": and_(_TAKEN, _GIVEN_BACK <= 0, Charge.refunded.is_(False), Charge.disputed.is_(False)),
    "pending": Charge.status == "pending",
    "uncaptured": and_(Charge.status == "succeeded", Charge.captured.is_(False), Charge.refunded.is_(False)),
    "canceled": and_(Charge.status == "succeeded", Charge.captured.is_(False), Charge.refunded),
    "partially_refunded": and_(_TAKEN, _GIVEN_BACK > 0, Charge.refunded.is_(False), Charge.disputed.is_(False)),
    "refunded": and_(_TAKEN, Charge.refunded, Charge.disputed.is_(False)),
    "disputed": and_(_TAKEN, Charge.disputed),
    "failed": and_(Charge.status == "failed", Charge.outcome_type.is_distinct_from("blocked")),
    "blocked": and_(Charge.status == "failed", Charge.outcome_type == "blocked"),
}
