"""The life of a dispute: raised by the bank, answered, won, lost, closed; with the money it moves.

A chargeback takes the amount and a fee at once; an inquiry moves nothing until it escalates; a debit's dispute is
lost from the start. Event orders as recorded on Stripe's test mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.errors import invalid
from app.sandbox.params import Obj
from app.sandbox.resources import compelling_evidence, ledger, reviews
from app.sandbox.resources.currencies import settle
from app.sandbox.resources.dispute_shape import blank, due_by
from app.sandbox.resources.fees import dispute_fee
from app.sandbox.resources.fraud_warnings import no_longer_actionable
from app.sandbox.routes import timer
from app.sandbox.tx import Tx

DAY = 86_400
DAYS_TO_DECIDE = 75
OPEN = (
    *("needs_response", "under_review", "warning_needs_response", "warning_under_review"),
    *("appeal_needs_response", "appeal_under_review"),
)
REVIEWS = {
    "needs_response": "under_review",
    "warning_needs_response": "warning_under_review",
    "appeal_needs_response": "appeal_under_review",
}
SMART = ("smart_disputes", "prefer_smart_disputes")
INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")


@dataclass(frozen=True)
class Cause:
    """Why a bank complains: `reason` is Stripe's word, `code` the network's."""

    reason: str
    code: str
    case_type: str = "chargeback"
    status: str = "needs_response"
    eligibility: tuple[str, ...] = ()


CAUSES = {
    "fraudulent": Cause("fraudulent", "10.4"),
    "product_not_received": Cause("product_not_received", "13.1"),
    "product_unacceptable": Cause("product_unacceptable", "13.3"),
    "subscription_canceled": Cause("subscription_canceled", "13.2"),
    "duplicate": Cause("duplicate", "12.6.1"),
    "credit_not_processed": Cause("credit_not_processed", "13.6"),
    "unrecognized": Cause("unrecognized", "10.4"),
    "general": Cause("general", "13.0"),
    "inquiry": Cause("general", "10.4", "inquiry", "warning_needs_response"),
    "visa_ce3": Cause("fraudulent", "10.4", eligibility=("visa_compelling_evidence_3",)),
    "compliance": Cause("noncompliant", "98", "compliance", eligibility=("visa_compliance",)),
    "debit": Cause("debit_not_authorized", "MD06", status="lost"),
    "ach_debit": Cause("debit_not_authorized", "R10", status="lost"),
    "mastercard_compliance": Cause("noncompliant", "4849", "compliance", eligibility=("mastercard_compliance",)),
    "bacs_debit": Cause("debit_not_authorized", "1", status="lost"),
    "prevented": Cause("fraudulent", "10.4", "resolution", "prevented"),
}


def raise_after_payment(tx: Tx, charge: Obj, what: str) -> None:
    """What a test card announces; `multiple` splits the charge into two disputes."""
    if what == "multiple":
        half = charge["amount"] // 2
        open_case(tx, charge, CAUSES["fraudulent"], amount=half)
        open_case(tx, charge, CAUSES["fraudulent"], amount=charge["amount"] - half)
    else:
        open_case(tx, charge, CAUSES[what])


def open_case(tx: Tx, charge: Obj, cause: Cause, *, amount: int | None = None) -> Obj:
    """charge.dispute.created, then (but for an inquiry) charge.dispute.funds_withdrawn."""
    left = charge["amount"] - charge["amount_refunded"]
    wanted = left if amount is None else amount
    if not charge["captured"] or not 0 < wanted <= left:
        raise invalid(f"Nothing of charge {charge['id']} is left to dispute.", param="charge")
    dispute = blank(tx, charge, cause, wanted)
    charge["disputed"] = True
    tx.put(charge)
    costs = cause.status in ("needs_response", "lost")
    if costs:
        withdraw(tx, dispute, charge)
    tx.put(dispute)
    tx.emit("charge.dispute.created", dispute)
    if costs:
        tx.emit("charge.dispute.funds_withdrawn", dispute)
    no_longer_actionable(tx, charge["id"])
    reviews.settled(tx, charge, "disputed")
    if cause.status in ("lost", "prevented"):
        tx.emit("charge.dispute.closed", dispute)
    else:
        tx.later(dispute["evidence_details"]["due_by"] + 1, "evidence_is_due", dispute=dispute["id"])
    return dispute


def withdraw(tx: Tx, dispute: Obj, charge: Obj) -> None:
    """The network takes the money back, and Stripe its fee."""
    text = f"Chargeback withdrawal for {charge['id']}"
    _move(tx, dispute, charge, -dispute["amount"], category="dispute", text=text, with_fee=True)
    dispute["is_charge_refundable"] = False


def reinstate(tx: Tx, dispute: Obj, charge: Obj) -> None:
    """Won: the amount comes back, the fee does not."""
    text = f"Chargeback reversal for {charge['id']}"
    _move(tx, dispute, charge, dispute["amount"], category="dispute_reversal", text=text, with_fee=False)


def escalate(tx: Tx, dispute: Obj, charge: Obj) -> None:
    """An inquiry becomes a chargeback with a new deadline."""
    before = {"status": dispute["status"]}
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    dispute["status"] = "needs_response"
    dispute["evidence_details"]["due_by"] = due_by(tx)
    dispute["evidence_details"]["submission_count"] = 0
    dispute["evidence_details"]["submission_method"] = "not_submitted"
    withdraw(tx, dispute, charge)
    tx.put(dispute)
    tx.emit("charge.dispute.updated", dispute, before)
    tx.emit("charge.dispute.funds_withdrawn", dispute)
    tx.later(dispute["evidence_details"]["due_by"] + 1, "evidence_is_due", dispute=dispute["id"])


def win(tx: Tx, dispute: Obj, charge: Obj) -> None:
    """funds_reinstated, closed. The charge can be refunded again."""
    dispute.update(status="won", is_charge_refundable=charge["amount"] > charge["amount_refunded"])
    reinstate(tx, dispute, charge)
    if dispute["evidence_details"]["submission_count"]:
        compelling_evidence.return_fee(tx, dispute)
    tx.put(dispute)
    tx.emit("charge.dispute.funds_reinstated", dispute)
    tx.emit("charge.dispute.closed", dispute)


def lose(tx: Tx, dispute: Obj, charge: Obj) -> None:
    """closed, charge.updated"""
    dispute.update(status="lost", is_charge_refundable=False)
    _close(tx, dispute, charge)


def close_inquiry(tx: Tx, dispute: Obj, charge: Obj) -> None:
    dispute["status"] = "warning_closed"
    _close(tx, dispute, charge)


def appeal(tx: Tx, dispute: Obj, charge: Obj) -> None:
    """Lost, but the network lets us try once more: charge.dispute.updated with a new deadline."""
    before = {"status": dispute["status"]}
    dispute["status"] = "appeal_needs_response"
    dispute["evidence_details"]["due_by"] = due_by(tx)
    dispute["evidence_details"]["past_due"] = False
    tx.put(dispute)
    tx.emit("charge.dispute.updated", dispute, before)
    tx.emit("charge.updated", charge, {})
    tx.later(dispute["evidence_details"]["due_by"] + 1, "evidence_is_due", dispute=dispute["id"])


def note_submission(dispute: Obj, way: str) -> None:
    dispute["evidence_details"]["submission_count"] += 1
    dispute["evidence_details"]["submission_method"] = way


def under_review(tx: Tx, dispute: Obj) -> None:
    dispute["status"] = REVIEWS[dispute["status"]]
    tx.later(tx.now + DAYS_TO_DECIDE * DAY, "bank_decides", dispute=dispute["id"])


@timer("evidence_is_due")
def evidence_is_due(tx: Tx, dispute: str) -> None:
    """Nobody answered in time: a chargeback is lost, an inquiry goes to sleep."""
    case, charge = locked_case(tx, dispute)
    late = case["evidence_details"]["due_by"] is not None and case["evidence_details"]["due_by"] < tx.now
    if not late or case["status"] not in REVIEWS:
        return
    if case["status"] == "needs_response" and case["intended_submission_method"] in SMART:
        _answer_by_itself(tx, case)
        return
    case["evidence_details"]["past_due"] = True
    if case["status"] == "warning_needs_response":
        close_inquiry(tx, case, charge)
    else:
        lose(tx, case, charge)


@timer("bank_decides")
def bank_decides(tx: Tx, dispute: str) -> None:
    """Evidence that says nothing special does not convince; an inquiry ends without harm."""
    case, charge = locked_case(tx, dispute)
    if case["status"] == "under_review" and compelling_evidence.is_convincing(case):
        win(tx, case, charge)
    elif case["status"] in ("under_review", "appeal_under_review"):
        lose(tx, case, charge)
    elif case["status"] == "warning_under_review":
        close_inquiry(tx, case, charge)


def _answer_by_itself(tx: Tx, case: Obj) -> None:
    """Smart Disputes: Stripe sends what it knows when nobody else did."""
    before = {"status": case["status"]}
    note_submission(case, "smart_disputes")
    under_review(tx, case)
    tx.put(case)
    tx.emit("charge.dispute.updated", case, before)


def locked_case(tx: Tx, dispute_id: str) -> tuple[Obj, Obj]:
    """The dispute and its charge, both held; the charge first, as everywhere."""
    seen = tx.require("dispute", dispute_id, lock=False)
    charge = tx.require("charge", seen["charge"])
    return tx.require("dispute", dispute_id), charge


def _close(tx: Tx, dispute: Obj, charge: Obj) -> None:
    tx.put(dispute)
    tx.emit("charge.dispute.closed", dispute)
    tx.emit("charge.updated", charge, {})


def _move(tx: Tx, dispute: Obj, charge: Obj, amount: int, *, category: str, text: str, with_fee: bool) -> None:  # noqa: PLR0913
    worth = settle(amount, charge["currency"])
    method = charge["payment_method_details"]["type"]
    movement = ledger.post(
        tx,
        type="adjustment",
        category=category,
        source=dispute["id"],
        amount=worth.amount,
        currency=worth.currency,
        description=text,
        fees=dispute_fee(method, worth.currency) if with_fee else (),
        rate=worth.rate,
    )
    dispute["balance_transactions"] = [*dispute["balance_transactions"], movement]
