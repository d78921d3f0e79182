"""The two addresses behind a Checkout page that Stripe's CLI presses on its own. Stripe does not document them."""

from __future__ import annotations

from app.sandbox.checkout import paying
from app.sandbox.checkout.payer import Payer
from app.sandbox.checkout.sessions import lines_of
from app.sandbox.errors import invalid
from app.sandbox.params import Obj, integer, need
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("GET", "/v1/payment_pages/{session}")
def show(tx: Tx, session: str) -> Obj:
    return _page(tx, tx.require("checkout.session", session, lock=False), None)


@route("POST", "/v1/payment_pages/{session}/confirm")
def confirm(tx: Tx, session: str) -> Obj:
    """Pay with a PaymentMethod; `expected_amount` must be what the page shows."""
    need(tx.params, "payment_method")
    found = tx.require("checkout.session", session)
    expected = integer(tx.params, "expected_amount")
    if expected is not None and expected != (found["amount_total"] or 0):
        raise invalid("The expected amount differs from the amount of the Checkout Session.", param="expected_amount")
    method = tx.require("payment_method", str(tx.params["payment_method"]), param="payment_method", lock=False)
    billing = method["billing_details"]
    payer = Payer(
        method["id"], email=billing["email"], name=billing["name"], phone=billing["phone"], address=billing["address"]
    )
    intent = paying.pay(tx, found, payer)
    return _page(tx, found, intent)


def _page(tx: Tx, session: Obj, intent: Obj | None) -> Obj:
    lines = lines_of(tx, session["id"])
    return {
        "id": f"ppage_{session['id'][-24:]}",
        "object": "checkout.session",
        "session_id": session["id"],
        "currency": session["currency"],
        "customer": session["customer"],
        "customer_email": (session["customer_details"] or {}).get("email") or session["customer_email"],
        "line_item_group": {
            "currency": session["currency"],
            "due": session["amount_total"],
            "line_items": lines,
            "subtotal": session["amount_subtotal"],
            "total": session["amount_total"],
        },
        "livemode": False,
        "mode": session["mode"],
        "payment_intent": intent if intent and intent["object"] == "payment_intent" else None,
        "payment_method_types": session["payment_method_types"],
        "payment_status": session["payment_status"],
        "setup_intent": intent if intent and intent["object"] == "setup_intent" else None,
        "state": "active" if session["status"] == "open" else session["status"],
        "status": session["status"],
        "success_url": session["success_url"],
        "url": session["url"],
    }
