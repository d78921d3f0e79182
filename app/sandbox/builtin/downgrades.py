"""What objects looked like before a release: one small step back for each change."""

from __future__ import annotations

from app.sandbox.params import Obj
from app.sandbox.versions import before

ENDIVE = "2026-09-30"


@before(ENDIVE, "refund")
def refund(obj: Obj) -> None:
    obj.pop("customer", None)
    obj.pop("payment_method", None)


@before(ENDIVE, "payment_intent")
def payment_intent(obj: Obj) -> None:
    obj.pop("payment_record", None)


@before(ENDIVE, "dispute")
def dispute(obj: Obj) -> None:
    obj.pop("intended_submission_method", None)
    for name, field in (("evidence", "appeal"), ("evidence_details", "submission_method")):
        if isinstance(obj.get(name), dict):
            obj[name].pop(field, None)
    if obj.get("status") in ("appeal_needs_response", "appeal_under_review"):
        obj["status"] = "under_review" if obj["status"] == "appeal_under_review" else "needs_response"


@before(ENDIVE, "subscription")
def subscription(obj: Obj) -> None:
    obj.pop("status_details", None)


@before(ENDIVE, "subscription_item")
def subscription_item(obj: Obj) -> None:
    obj.pop("current_trial", None)


@before(ENDIVE, "invoice")
def invoice(obj: Obj) -> None:
    obj.pop("status_details", None)
