"""Disputes: chargebacks and inquiries."""

from collections.abc import Sequence
from datetime import datetime

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, part, ref, typed, when
from app.mirror.news import News
from app.models.dispute import Dispute

# Won and lost may each be followed by an appeal, and an appeal by won or lost: there the life turns in a circle.
_RANKS = {
    "warning_needs_response": 10,
    "warning_under_review": 20,
    "warning_closed": 30,
    "needs_response": 40,
    "under_review": 50,
    "won": 80,
    "lost": 80,
    "prevented": 80,
    "appeal_needs_response": 80,
    "appeal_under_review": 80,
}


def row(obj: Obj) -> Row:
    details = part(obj, "evidence_details")
    method = typed(part(obj, "payment_method_details"))
    movements = [line for line in obj.get("balance_transactions") or [] if isinstance(line, dict)]
    return {
        "amount": obj.get("amount") or 0,
        "currency": obj.get("currency") or "",
        "status": obj.get("status") or "unknown",
        "reason": obj.get("reason") or "general",
        "network_reason_code": method.get("network_reason_code") or obj.get("network_reason_code"),
        "charge_id": ref(obj.get("charge")),
        "payment_intent_id": ref(obj.get("payment_intent")),
        "is_charge_refundable": obj.get("is_charge_refundable") is True,
        "due_at": when(details.get("due_by")),
        "has_evidence": details.get("has_evidence"),
        "past_due": details.get("past_due"),
        "submission_count": details.get("submission_count"),
        "submission_method": details.get("submission_method"),
        "case_type": method.get("case_type"),
        "brand": method.get("brand"),
        "method_type": part(obj, "payment_method_details").get("type"),
        "enhanced_eligibility_types": obj.get("enhanced_eligibility_types"),
        "evidence": obj.get("evidence"),
        "balance_transactions": [line["id"] for line in movements],
        "deducted": -sum(line.get("net") or 0 for line in movements) if movements else None,
        "deducted_currency": movements[0].get("currency") if movements else None,
        "fee": _fee(movements),
        "reinstated_at": _reinstated_at(movements),
    }


def _fee(movements: list[Obj]) -> int | None:
    """For the dispute itself: what was booked when the money came back, or for answering, is in lines of another category."""
    fees = [line.get("fee") or 0 for line in movements if line.get("reporting_category") == "dispute"]
    return sum(fees) if fees else None


def _reinstated_at(movements: list[Obj]) -> datetime | None:
    back = [line.get("created") for line in movements if line.get("reporting_category") == "dispute_reversal"]
    return when(max((second for second in back if second), default=None))


def rank(obj: Obj) -> int:
    return _RANKS.get(obj.get("status") or "", 0)


# When it closed is known to the database: see the trigger disputes_closed_at.
DOOR = Door(Dispute, row, rank, ours=("closed_at",))


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return DOOR.save(objects, news)
