"""What can be asked of Stripe about a payment that has not gone through: take the money, or let it go."""

from typing import Any

from app.acts.kinds import ActKind, on_object
from app.mirror.fields import Obj
from app.models.act import Act


def _is_captured(intent: Obj, act: Act) -> bool:
    """This capture, and not another of some other amount."""
    return intent.get("status") == "succeeded" and intent.get("amount_received") == act.form["amount_to_capture"]


def _is_canceled(intent: Obj, _: Act) -> bool:
    return intent.get("status") == "canceled"


def _told(intent: Obj) -> dict[str, Any]:
    named = ("status", "amount_received", "currency", "cancellation_reason")
    return {name: intent[name] for name in named if intent.get(name) is not None}


CAPTURE = ActKind(
    "payment.capture",
    "Capture",
    on_object(_is_captured),
    keeps=("amount_to_capture",),
    expand=("latest_charge",),
    told=_told,
)
CANCEL = ActKind(
    "payment.cancel",
    "Cancel",
    on_object(_is_canceled),
    keeps=("cancellation_reason",),
    expand=("latest_charge",),
    told=_told,
)
ACTS = (CAPTURE, CANCEL)
