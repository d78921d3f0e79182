"""Checkout in subscription mode: a customer, a subscription, and its first invoice paid on the spot."""

from __future__ import annotations

from app.sandbox.checkout import ends
from app.sandbox.checkout.payer import Payer, confirm_words, create_customer
from app.sandbox.params import Obj, Params
from app.sandbox.resources.inside import call
from app.sandbox.tx import Tx


def subscribe(tx: Tx, session: Obj, kept: Obj, payer: Payer) -> Obj | None:
    """The first press makes the subscription (incomplete until paid); a later one pays what is still open."""
    if session["customer"] is None:
        create_customer(tx, session, payer)
    if session["subscription"] is None:
        _begin(tx, session, kept)
    tx.put(session)
    intent_id = _waiting_intent(tx, session)
    if intent_id is None:
        call(tx, "POST", f"/v1/payment_methods/{payer.method}/attach", {"customer": session["customer"]})
        _keep_method(tx, session, payer.method)
        ends.complete(tx, session, "no_payment_required")
        return None
    ends.tie(tx, intent_id, session)
    kind = "setup_intents" if intent_id.startswith("seti_") else "payment_intents"
    words = confirm_words(tx, session, payer)
    if kind == "payment_intents":
        words["setup_future_usage"] = "off_session"
    intent = call(tx, "POST", f"/v1/{kind}/{intent_id}/confirm", words)
    status = ends.status_of(intent)
    if status:
        _keep_method(tx, session, payer.method)
        ends.complete(tx, session, status)
    return intent


def _begin(tx: Tx, session: Obj, kept: Obj) -> None:
    recurring = [line for line in kept["lines"] if line["price"]["recurring"]]
    once = [line for line in kept["lines"] if not line["price"]["recurring"]]
    wanted: Params = {
        **kept["subscription_data"],
        "customer": session["customer"],
        "items": [_item(line) for line in recurring],
        "payment_behavior": "default_incomplete",
        "payment_settings": {
            "payment_method_types": [name for name in session["payment_method_types"] if name != "link"],
            "save_default_payment_method": "on_subscription",
        },
    }
    if once:
        wanted["add_invoice_items"] = [_item(line) for line in once]
    if session["discounts"]:
        given = session["discounts"][0]
        code = given["promotion_code"]
        wanted["discounts"] = [{"promotion_code": code} if code else {"coupon": given["coupon"]}]
    made = call(tx, "POST", "/v1/subscriptions", wanted)
    session.update(subscription=made["id"], invoice=made["latest_invoice"])


def _item(line: Obj) -> Params:
    item = {"price": line["price"]["id"], "quantity": str(line["quantity"])}
    if (line["price"]["recurring"] or {}).get("usage_type") == "metered":
        del item["quantity"]
    return item


def _waiting_intent(tx: Tx, session: Obj) -> str | None:
    """The PaymentIntent of the open first invoice, or the SetupIntent of a trial."""
    if session["invoice"]:
        for payment in tx.find("invoice_payment", invoice=session["invoice"]):
            if payment["status"] == "open":
                return str(payment["payment"]["payment_intent"])
    waiting = tx.require("subscription", session["subscription"], lock=False)["pending_setup_intent"]
    return None if waiting is None else str(waiting)


def _keep_method(tx: Tx, session: Obj, method_id: str) -> None:
    words = {"default_payment_method": method_id}
    call(tx, "POST", f"/v1/subscriptions/{session['subscription']}", words)
