"""Disputes over the API: staging and submitting evidence, accepting the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.errors import invalid
from app.sandbox.params import Obj, allow, boolean, choice, hash_of, metadata
from app.sandbox.resources import compelling_evidence
from app.sandbox.resources import dispute_cases as cases
from app.sandbox.resources.evidence import merged, says_something, verdict
from app.sandbox.routes import route
from app.sandbox.tx import Tx

ANSWERABLE = tuple(cases.REVIEWS)
METHODS = ("manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes")


@route("POST", "/v1/disputes/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Evidence is submitted unless `submit=false`; once submitted it cannot be changed."""
    params = tx.params
    allow(params, "evidence", "metadata", "submit", "intended_submission_method")
    dispute, charge = cases.locked_case(tx, id)
    given = hash_of(params, "evidence")
    if given and dispute["status"] not in ANSWERABLE:
        raise _too_late(dispute)
    before = {name: dispute[name] for name in ("metadata", "evidence", "status")}
    dispute["metadata"] = metadata(params, dispute["metadata"])
    wish = choice(params, "intended_submission_method", METHODS)
    dispute["intended_submission_method"] = wish or dispute["intended_submission_method"]
    dispute["evidence"] = merged(tx, dispute, given)
    dispute["evidence_details"]["has_evidence"] = says_something(dispute["evidence"])
    compelling_evidence.judge(tx, dispute, charge)
    submits = boolean(params, "submit") is not False and _has_something_to_send(dispute, given)
    decision = _submit(tx, dispute) if submits and dispute["status"] in ANSWERABLE else None
    tx.put(dispute)
    tx.emit("charge.dispute.updated", dispute, {name: old for name, old in before.items() if dispute[name] != old})
    if submits:
        tx.emit("charge.updated", charge, {})
    _decide(tx, dispute, charge, decision)
    return dispute


@route("POST", "/v1/disputes/{id}/close")
def close(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Accept: a chargeback is lost at once and for good, an inquiry is closed."""
    allow(tx.params)
    dispute, charge = cases.locked_case(tx, id)
    if dispute["status"] not in cases.OPEN:
        raise invalid("This dispute is already closed")
    if dispute["status"] in cases.INQUIRIES:
        cases.close_inquiry(tx, dispute, charge)
    else:
        cases.lose(tx, dispute, charge)
    return dispute


def _has_something_to_send(dispute: Obj, given: Mapping[str, Any]) -> bool:
    """An appeal needs words of its own: what the bank has read already is not sent again by a note."""
    if dispute["status"] == "appeal_needs_response":
        return bool(given or dispute["evidence"]["appeal"])
    return bool(dispute["evidence_details"]["has_evidence"])


def _submit(tx: Tx, dispute: Obj) -> str | None:
    compelling_evidence.check_submission(dispute)
    compelling_evidence.pay_fee(tx, dispute)
    cases.note_submission(dispute, "manual")
    inquiry = dispute["status"] in cases.INQUIRIES
    decision = verdict(dispute)
    cases.under_review(tx, dispute)
    if decision == "escalate_inquiry_evidence" and not inquiry:
        return None
    return decision


def _decide(tx: Tx, dispute: Obj, charge: Obj, decision: str | None) -> None:
    if decision is None:
        return
    if decision == "escalate_inquiry_evidence":
        cases.escalate(tx, dispute, charge)
    elif dispute["status"] in cases.INQUIRIES:
        cases.close_inquiry(tx, dispute, charge)
    elif decision == "winning_evidence":
        cases.win(tx, dispute, charge)
    else:
        cases.lose(tx, dispute, charge)


def _too_late(dispute: Obj) -> Exception:
    if dispute["status"] in ("under_review", "warning_under_review", "appeal_under_review"):
        return invalid("Evidence for this dispute has already been submitted and cannot be changed.", param="evidence")
    return invalid("This dispute is already closed", param="evidence")
