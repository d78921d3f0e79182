"""Charges: one attempt to move money each."""

from collections.abc import Sequence

from app.mirror import authorisations, refunds
from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, nested, part, ref, typed
from app.mirror.nested import cut_short, with_parent
from app.mirror.news import News
from app.models.charge import Charge


def row(obj: Obj) -> Row:
    outcome = part(obj, "outcome")
    method = part(obj, "payment_method_details")
    details = typed(method)
    return {
        "amount": obj.get("amount") or 0,
        "amount_captured": obj.get("amount_captured") or 0,
        "amount_refunded": obj.get("amount_refunded") or 0,
        "currency": obj.get("currency") or "",
        "status": obj.get("status") or "unknown",
        "captured": obj.get("captured") is True,
        "paid": obj.get("paid") is True,
        "refunded": obj.get("refunded") is True,
        "disputed": obj.get("disputed") is True,
        "payment_intent_id": ref(obj.get("payment_intent")),
        "customer_id": ref(obj.get("customer")),
        "payment_method_id": ref(obj.get("payment_method")),
        "balance_transaction_id": ref(obj.get("balance_transaction")),
        "description": obj.get("description"),
        "receipt_email": obj.get("receipt_email"),
        "receipt_url": obj.get("receipt_url"),
        "statement_descriptor": obj.get("calculated_statement_descriptor") or obj.get("statement_descriptor"),
        "failure_code": obj.get("failure_code"),
        "failure_message": obj.get("failure_message"),
        # A charge has no field of this name: for a decline by the bank the outcome's reason is it.
        "decline_code": outcome.get("reason") if outcome.get("type") == "issuer_declined" else None,
        "outcome_type": outcome.get("type"),
        "outcome_reason": outcome.get("reason"),
        "network_status": outcome.get("network_status"),
        "network_decline_code": outcome.get("network_decline_code"),
        "network_advice_code": outcome.get("network_advice_code"),
        "advice_code": outcome.get("advice_code"),
        "risk_level": outcome.get("risk_level"),
        "method_type": method.get("type"),
        "brand": details.get("brand"),
        "last4": details.get("last4"),
        "fingerprint": details.get("fingerprint"),
        "country": details.get("country"),
        "mandate_id": ref(details.get("mandate")),
        "capture_before": authorisations.capture_before(obj),
        "billing_details": obj.get("billing_details"),
    }


def rank(obj: Obj) -> int:
    """Pending, then an end. Within an end amounts move both ways: a failed refund lowers `amount_refunded`."""
    return 1 if obj.get("status") == "pending" else 9


DOOR = Door(Charge, row, rank)


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    """Save charges, and the refunds inside them when they were sent along."""
    saved = DOOR.save(objects, news)
    inside, theirs = with_parent(objects, news, lambda charge: nested(charge, "refunds"))
    if inside:
        refunds.save_all(inside, theirs)
    saved.doubtful += [key for key in cut_short(objects, "refunds") if key not in saved.doubtful]
    return saved
