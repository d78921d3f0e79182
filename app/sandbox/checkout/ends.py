"""How a Checkout Session ends: complete or expired, and what its slow payment does to it afterwards."""

from __future__ import annotations

from app.sandbox.checkout import promotions
from app.sandbox.params import Obj
from app.sandbox.resources import intent_moves
from app.sandbox.resources.intent_states import BEFORE_PAYMENT
from app.sandbox.resources.outcomes import waiter
from app.sandbox.routes import timer
from app.sandbox.tx import Tx


def tie(tx: Tx, intent_id: str, session: Obj) -> None:
    """Remember for whom this intent works, so that its end is told to the session."""
    tx.put({"object": "sandbox.checkout", "id": intent_id, "session": session["id"]})


def details(person: Obj) -> Obj:
    """`customer_details`, from a customer or from what a visitor typed."""
    return {
        "address": person.get("address"),
        "business_name": None,
        "email": person.get("email"),
        "individual_name": None,
        "name": person.get("name"),
        "phone": person.get("phone"),
        "tax_exempt": person.get("tax_exempt") or "none",
        "tax_ids": [],
    }


def complete(tx: Tx, session: Obj, payment_status: str) -> None:
    """checkout.session.completed"""
    session.update(status="complete", payment_status=payment_status, url=None)
    tx.put(session)
    tx.emit("checkout.session.completed", session)
    if session["mode"] == "payment":
        promotions.use_up(tx, session)
    if session["payment_link"]:
        count_completed(tx, session["payment_link"])


def count_completed(tx: Tx, link_id: str) -> None:
    """A payment link with a limit counts the sessions it led to."""
    link = tx.require("payment_link", link_id)
    if (link["restrictions"] or {}).get("completed_sessions"):
        link["restrictions"]["completed_sessions"]["count"] += 1
        tx.put(link)


def expire(tx: Tx, session: Obj) -> None:
    """checkout.session.expired; a payment that was begun and not finished is canceled."""
    session.update(status="expired", url=None)
    tx.put(session)
    if session["payment_intent"]:
        intent = tx.require("payment_intent", session["payment_intent"])
        if intent["status"] in BEFORE_PAYMENT:
            intent_moves.end(tx, intent, "expired")
    if session["setup_intent"]:
        _cancel_setup(tx, tx.require("setup_intent", session["setup_intent"]))
    tx.emit("checkout.session.expired", session)


@timer("session_expires")
def session_expires(tx: Tx, session: str) -> None:
    found = tx.require("checkout.session", session)
    if found["status"] == "open":
        expire(tx, found)


@waiter
def payment_ended(tx: Tx, intent: Obj) -> None:
    """The customer came back from the bank, or the bank answered days later."""
    tied = tx.get("sandbox.checkout", intent["id"])
    if tied is None:
        return
    session = tx.require("checkout.session", tied["session"])
    if session["status"] == "open":
        _end_open(tx, session, intent)
    elif session["status"] == "complete" and session["payment_status"] == "unpaid":
        _end_unpaid(tx, session, intent)


def status_of(intent: Obj) -> str | None:
    """The `payment_status` of a session whose intent is in this status; None while it is not complete."""
    if intent["object"] == "setup_intent":
        return "no_payment_required" if intent["status"] in ("succeeded", "processing") else None
    return {"succeeded": "paid", "processing": "unpaid", "requires_capture": "unpaid"}.get(intent["status"])


def _end_open(tx: Tx, session: Obj, intent: Obj) -> None:
    status = status_of(intent)
    if status and session["mode"] != "subscription":
        complete(tx, session, status)
    elif status and session["subscription"]:
        complete(tx, session, "paid" if intent["object"] == "payment_intent" and status == "paid" else status)


def _end_unpaid(tx: Tx, session: Obj, intent: Obj) -> None:
    if intent["status"] == "succeeded":
        session["payment_status"] = "paid"
        tx.put(session)
        tx.emit("checkout.session.async_payment_succeeded", session)
    elif intent["status"] == "requires_payment_method":
        tx.emit("checkout.session.async_payment_failed", session)


def _cancel_setup(tx: Tx, intent: Obj) -> None:
    if intent["status"] in BEFORE_PAYMENT:
        intent.update(status="canceled", cancellation_reason="abandoned", next_action=None)
        tx.put(intent)
        tx.emit("setup_intent.canceled", intent)
