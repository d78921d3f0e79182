"""A dispute as the bank raises it, with every field of the SDK's type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sandbox.params import Obj
from app.sandbox.resources import compelling_evidence
from app.sandbox.resources.evidence import blank_evidence
from app.sandbox.tx import Tx

if TYPE_CHECKING:
    from app.sandbox.resources.dispute_cases import Cause

DAY = 86_400
DAYS_TO_ANSWER = 8


def due_by(tx: Tx) -> int:
    """The end of the eighth day from now."""
    return (tx.now // DAY + DAYS_TO_ANSWER + 1) * DAY - 1


def blank(tx: Tx, charge: Obj, cause: Cause, amount: int) -> Obj:
    inquiry = cause.status.startswith("warning_")
    card = charge["payment_method_details"].get("card")
    details: Obj = {"type": charge["payment_method_details"]["type"]}
    if card:
        details["card"] = {
            "brand": card["brand"],
            "case_type": cause.case_type,
            "network": card["network"],
            "network_reason_code": cause.code,
        }
    final = cause.status in ("lost", "prevented")
    return {
        "id": tx.new_id("du_"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": tx.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": list(cause.eligibility),
        "evidence": blank_evidence(),
        "evidence_details": {
            "due_by": 0 if final else due_by(tx),
            "enhanced_eligibility": compelling_evidence.begin(list(cause.eligibility)),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": "manual",
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": cause.code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": details,
        "reason": cause.reason,
        "status": cause.status,
    }
