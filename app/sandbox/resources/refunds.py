"""Refunds over the API, and the rules that keep them from giving back more than was taken."""

from __future__ import annotations

from app.sandbox.errors import StripeError, invalid, no_such
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow, choice, integer, metadata, text
from app.sandbox.resources import refund_moves as moves
from app.sandbox.resources.currencies import check_steps, shown
from app.sandbox.resources.dispute_cases import INQUIRIES, close_inquiry
from app.sandbox.resources.intent_moves import cancel_held
from app.sandbox.routes import route
from app.sandbox.store import equals
from app.sandbox.tx import Tx

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
HARMLESS = (*INQUIRIES, "won", "prevented")
SEPA_DAYS = 180


@route("POST", "/v1/refunds")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(
        params, "amount", "charge", "payment_intent", "reason", "metadata", "refund_application_fee", "reverse_transfer",
        "instructions_email", "currency", "customer", "origin",
    )  # fmt: skip
    amount = integer(params, "amount", least=1)
    reason = choice(params, "reason", REASONS)
    notes = metadata(params)
    charge = _locked_charge(tx)
    disputes = _check_refundable(tx, charge)
    if not charge["captured"] and charge["status"] == "succeeded":
        return _release_held(tx, charge, amount, reason, notes)
    left = moves.refundable(charge)
    wanted = left if amount is None else amount
    _check_wanted(charge, wanted, left)
    email = text(params, "instructions_email") or charge["billing_details"]["email"]
    refund = moves.make(tx, charge, wanted, reason=reason, metadata=notes, email=email)
    if charge["refunded"]:
        _close_inquiries(tx, disputes, charge)
    return refund


@route("POST", "/v1/refunds/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Only metadata can change."""
    allow(tx.params, "metadata")
    refund = tx.require("refund", id)
    before = {"metadata": refund["metadata"]}
    refund["metadata"] = metadata(tx.params, refund["metadata"])
    moves.changed(tx, refund, before)
    return refund


@route("POST", "/v1/refunds/{id}/cancel")
def cancel(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params)
    refund, charge = moves.locked(tx, id)
    if refund["status"] != "requires_action":
        raise invalid(
            f"You can only cancel a refund with a status of requires_action; this refund is {refund['status']}.",
            code="refund_not_cancelable",
        )
    moves.give_up(tx, refund, charge, "canceled")
    return refund


@route("GET", "/v1/charges/{charge}/refunds")
def of_charge(tx: Tx, charge: str) -> Obj | RawJson:
    tx.require("charge", charge, lock=False)
    return list_page(tx, "refund", url=f"/v1/charges/{charge}/refunds", where=[equals("charge", charge)])


def _locked_charge(tx: Tx) -> Obj:
    """The charge meant by `charge` or `payment_intent`, held until this request ends: refunds of it come one by one."""
    by_charge, by_intent = text(tx.params, "charge"), text(tx.params, "payment_intent")
    if by_charge and by_intent:
        raise invalid("You may only specify one of these parameters: charge, payment_intent.")
    if by_intent:
        by_charge = _charge_of_intent(tx, by_intent)
    if by_charge is None:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.", param="charge"
        )
    seen = tx.get("charge", by_charge)
    if seen is None:
        raise no_such("charge", by_charge, param="charge", status=404)
    if seen["payment_intent"] and not seen["captured"]:
        tx.require("payment_intent", seen["payment_intent"])  # a capture locks the intent first, so do we
    return tx.require("charge", by_charge, param="charge")


def _charge_of_intent(tx: Tx, intent_id: str) -> str:
    intent = tx.get("payment_intent", intent_id)
    if intent is None:
        raise no_such("payment_intent", intent_id, param="payment_intent", status=404)
    if intent["latest_charge"] is None or intent["status"] not in ("succeeded", "requires_capture", "processing"):
        raise StripeError(
            f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return str(intent["latest_charge"])


def _check_refundable(tx: Tx, charge: Obj) -> list[Obj]:
    """Raise Stripe's refusal if nothing of this charge can be refunded; else the disputes it went through."""
    if charge["status"] == "failed":
        raise invalid(
            f"Charge {charge['id']} failed and cannot be refunded.", code="charge_not_refundable", param="charge"
        )
    disputes = tx.find("dispute", charge=charge["id"]) if charge["disputed"] else []
    if any(dispute["status"] not in HARMLESS for dispute in disputes):
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if charge["refunded"]:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    kind = charge["payment_method_details"]["type"]
    if kind == "sepa_debit" and tx.now - charge["created"] > SEPA_DAYS * moves.DAY:
        raise invalid(f"SEPA debits can be refunded for {SEPA_DAYS} days only.", code="charge_not_refundable")
    return disputes


def _check_wanted(charge: Obj, wanted: int, left: int) -> None:
    if wanted > left:
        asked, rest = shown(wanted, charge["currency"]), shown(left, charge["currency"])
        raise invalid(f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})", param="amount")
    check_steps(wanted, charge["currency"])


def _release_held(tx: Tx, charge: Obj, amount: int | None, reason: str | None, notes: dict[str, str]) -> Obj:
    if amount is not None and amount != charge["amount"]:
        raise invalid(
            "You cannot partially refund an uncaptured charge. Instead, capture the charge for an amount less than the "
            "original amount",
            param="amount",
        )
    intent = tx.require("payment_intent", charge["payment_intent"])
    refund = cancel_held(tx, intent, charge, reason="requested_by_customer", refund_reason=reason)
    refund["metadata"] = notes
    tx.put(refund)
    return refund


def _close_inquiries(tx: Tx, disputes: list[Obj], charge: Obj) -> None:
    """A customer who has everything back has nothing left to ask."""
    for dispute in disputes:
        if dispute["status"] in ("warning_needs_response", "warning_under_review"):
            close_inquiry(tx, tx.require("dispute", dispute["id"]), charge)
