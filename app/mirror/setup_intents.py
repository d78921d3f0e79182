"""Setup intents."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, next_step, problem, ref
from app.mirror.news import News
from app.models.setup_intent import SetupIntent


def row(obj: Obj) -> Row:
    return {
        "status": obj.get("status") or "unknown",
        "usage": obj.get("usage"),
        "customer_id": ref(obj.get("customer")),
        "payment_method_id": ref(obj.get("payment_method")),
        "mandate_id": ref(obj.get("mandate")),
        "single_use_mandate_id": ref(obj.get("single_use_mandate")),
        "latest_attempt_id": ref(obj.get("latest_attempt")),
        "cancellation_reason": obj.get("cancellation_reason"),
        "last_setup_error": problem(obj.get("last_setup_error")),
        "next_action": next_step(obj.get("next_action")),
    }


def rank(obj: Obj) -> int:
    """Only the two ends are final."""
    return 90 if obj.get("status") in {"succeeded", "canceled"} else 10


DOOR = Door(SetupIntent, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
