"""Early fraud warnings."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, ref
from app.mirror.news import News
from app.models.early_fraud_warning import EarlyFraudWarning


def row(obj: Obj) -> Row:
    return {
        "actionable": obj.get("actionable") is True,
        "fraud_type": obj.get("fraud_type"),
        "charge_id": ref(obj.get("charge")),
        "payment_intent_id": ref(obj.get("payment_intent")),
    }


def rank(obj: Obj) -> int:
    """A warning that nothing can be done about any more stays so."""
    return 1 if obj.get("actionable") is True else 9


# What became of a warning is said here, and Stripe knows nothing of it.
OURS = ("resolution", "resolved_at", "resolved_by", "resolved_words")
DOOR = Door(EarlyFraudWarning, row, rank, ours=OURS)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
