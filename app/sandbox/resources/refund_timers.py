"""What happens to refunds later: they arrive, bounce, find money or get their reference number."""

from __future__ import annotations

from app.sandbox.params import Obj
from app.sandbox.resources import refund_moves as moves
from app.sandbox.routes import timer
from app.sandbox.tx import Tx


@timer("refund_arrives")
def refund_arrives(tx: Tx, refund: str) -> None:
    obj = tx.require("refund", refund)
    if obj["status"] != "pending" or obj.get("pending_reason") != "processing":
        return
    before = {"status": "pending", "pending_reason": obj.pop("pending_reason")}
    obj["status"] = "succeeded"
    if "card" in obj["destination_details"]:
        obj["destination_details"]["card"]["type"] = "refund"
    moves.changed(tx, obj, before)


@timer("refund_bounces")
def refund_bounces(tx: Tx, refund: str) -> None:
    """Days after it looked fine the card's bank sent it back."""
    obj, charge = moves.locked(tx, refund)
    if obj["status"] == "succeeded":
        moves.give_up(tx, obj, charge, "failed", "expired_or_canceled_card")


@timer("refund_gets_reference")
def refund_gets_reference(tx: Tx, refund: str) -> None:
    obj = tx.require("refund", refund)
    if obj["status"] != "succeeded":
        return
    way = obj["destination_details"]["card"]
    before = {"destination_details": {"card": dict(way), "type": "card"}}
    way.update(reference=_reference(obj["id"]), reference_status="available")
    moves.changed(tx, obj, before)


def _reference(refund_id: str) -> str:
    """23 digits, as acquirers number them."""
    return f"7498{int.from_bytes(refund_id.encode(), 'big') % 10**19:019d}"


@timer("refund_waits_for_funds")
def refund_waits_for_funds(tx: Tx, refund: str, until: int) -> None:
    """Once a day: is there money now?"""
    obj, charge = moves.locked(tx, refund)
    if obj["status"] != "pending" or obj.get("pending_reason") != "insufficient_funds":
        return
    if tx.now >= until:
        moves.give_up(tx, obj, charge, "failed", "insufficient_funds")
    elif moves.pay_from_balance(tx, obj, charge, max(moves.refunded_so_far(charge) - obj["amount"], 0)):
        before = {"status": "pending", "pending_reason": obj.pop("pending_reason")}
        obj["status"] = "succeeded"
        moves.changed(tx, obj, before)
    else:
        tx.later(tx.now + moves.DAY, "refund_waits_for_funds", refund=refund, until=until)


@timer("refund_gets_no_details")
def refund_gets_no_details(tx: Tx, refund: str) -> None:
    obj, charge = moves.locked(tx, refund)
    if obj["status"] == "requires_action":
        moves.give_up(tx, obj, charge, "failed", "unknown")


def resume(tx: Tx, charge: Obj) -> None:
    """The bank paid a debit that was already being refunded: the refunds set out."""
    for refund in _waiting_for_charge(tx, charge):
        given_back = max(moves.refunded_so_far(charge) - refund["amount"], 0)
        if moves.pay_from_balance(tx, refund, charge, given_back):
            refund["pending_reason"] = "processing"
            moves.changed(tx, refund, {"pending_reason": "charge_pending"})
            tx.later(tx.now + moves.MINUTE, "refund_arrives", refund=refund["id"])
        else:
            moves.wait_for_funds(tx, refund)
            moves.changed(tx, refund, {"pending_reason": "charge_pending"})


def drop(tx: Tx, charge: Obj, reason: str) -> None:
    """The bank did not pay, or disputed at once: refunds that waited for the money fail."""
    for refund in _waiting_for_charge(tx, charge):
        moves.give_up(tx, refund, charge, "failed", reason)


def _waiting_for_charge(tx: Tx, charge: Obj) -> list[Obj]:
    found = tx.find("refund", charge=charge["id"], status="pending")
    return [refund for refund in found if refund.get("pending_reason") == "charge_pending"]
