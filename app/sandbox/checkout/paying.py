"""Somebody presses the button of a Checkout page: pay, save a method, or subscribe.

The session is locked by the caller. A decline raises the card error and leaves the session open; 3-D Secure leaves it
open, too, with the bank's page in the intent's `next_action`.
"""

from __future__ import annotations

from app.sandbox.checkout import ends, subscribing
from app.sandbox.checkout.payer import Payer, confirm_words, create_customer, write_down
from app.sandbox.errors import StripeError
from app.sandbox.params import Obj, Params
from app.sandbox.resources.inside import as_params, call
from app.sandbox.tx import Tx


def pay(tx: Tx, session: Obj, payer: Payer) -> Obj | None:
    """Do what the session is for. Gives the intent, or None when there was nothing to pay."""
    check_open(session)
    write_down(tx, session, payer)
    kept = tx.require("sandbox.session", session["id"])
    if session["mode"] == "subscription":
        return subscribing.subscribe(tx, session, kept, payer)
    if session["mode"] == "setup":
        return _set_up(tx, session, payer)
    if session["amount_total"] == 0:
        ends.complete(tx, session, "no_payment_required")
        return None
    return _take_money(tx, session, kept, payer)


def check_open(session: Obj) -> None:
    if session["status"] == "complete":
        raise StripeError("This Checkout Session has been completed already.", code="checkout_session_complete")
    if session["status"] != "open":
        raise StripeError("This Checkout Session has expired.", code="checkout_session_expired")


def _take_money(tx: Tx, session: Obj, kept: Obj, payer: Payer) -> Obj:
    data = kept["payment_intent_data"]
    intent_id = session["payment_intent"] or _begin(tx, session, data, payer)
    words = confirm_words(tx, session, payer)
    if payer.save and session["customer"] and not data.get("setup_future_usage"):
        words["setup_future_usage"] = "on_session"
    intent = call(tx, "POST", f"/v1/payment_intents/{intent_id}/confirm", words)
    if payer.save:
        _offer_again(tx, payer.method)
    status = ends.status_of(intent)
    if status:
        ends.complete(tx, session, status)
    return intent


def _begin(tx: Tx, session: Obj, data: Params, payer: Payer) -> str:
    """The one PaymentIntent of this session; later tries use it again."""
    wants_customer = session["customer_creation"] == "always" or data.get("setup_future_usage")
    if session["customer"] is None and wants_customer:
        create_customer(tx, session, payer)
    wanted: Params = {
        **data,
        "amount": str(session["amount_total"]),
        "currency": session["currency"],
        "customer": session["customer"],
        "payment_method_options": as_params(session["payment_method_options"]),
        "allowed_payment_method_types": list(session["payment_method_types"]),
    }
    if payer.shipping and not wanted.get("shipping"):
        wanted["shipping"] = as_params(payer.shipping)
    intent_id = str(call(tx, "POST", "/v1/payment_intents", wanted)["id"])
    session["payment_intent"] = intent_id
    ends.tie(tx, intent_id, session)
    tx.put(session)
    return intent_id


def _set_up(tx: Tx, session: Obj, payer: Payer) -> Obj:
    intent_id = session["setup_intent"]
    words = confirm_words(tx, session, payer)
    if session["customer"] is None and session["customer_creation"] == "always":
        create_customer(tx, session, payer)
        words["customer"] = session["customer"]
    tx.put(session)
    intent = call(tx, "POST", f"/v1/setup_intents/{intent_id}/confirm", words)
    status = ends.status_of(intent)
    if status:
        ends.complete(tx, session, status)
    return intent


def _offer_again(tx: Tx, method_id: str) -> None:
    """The visitor wants to see this method here next time."""
    method = tx.require("payment_method", method_id)
    if method["allow_redisplay"] != "always":
        tx.put({**method, "allow_redisplay": "always"})
