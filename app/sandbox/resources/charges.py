"""Charges over the API. New ones come from PaymentIntents; here they are annotated and captured."""

from __future__ import annotations

from app.sandbox.errors import StripeError
from app.sandbox.params import Obj, allow, choice, hash_of, integer, metadata, text
from app.sandbox.resources import intent_moves, shapes
from app.sandbox.resources.payment_methods import live_customer
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("POST", "/v1/charges/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(params, "customer", "description", "fraud_details", "metadata", "receipt_email", "shipping", "transfer_group")
    charge = tx.require("charge", id)
    before = {name: charge[name] for name in ("metadata", "description", "receipt_email", "shipping", "transfer_group")}
    before |= {"customer": charge["customer"], "fraud_details": charge["fraud_details"]}
    charge["metadata"] = metadata(params, charge["metadata"])
    for name in ("description", "receipt_email", "transfer_group"):
        if name in params:
            charge[name] = text(params, name)
    if "shipping" in params:
        charge["shipping"] = shapes.shipping(params["shipping"])
    if params.get("customer"):
        charge["customer"] = live_customer(tx, str(params["customer"]), lock=False)["id"]
    report = choice(hash_of(params, "fraud_details"), "user_report", ("fraudulent", "safe"))
    if report:
        charge["fraud_details"] = {**charge["fraud_details"], "user_report": report}
    tx.put(charge)
    tx.emit("charge.updated", charge, {name: old for name, old in before.items() if charge[name] != old})
    return charge


@route("POST", "/v1/charges/{id}/capture")
def capture(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(
        params, "amount", "application_fee", "application_fee_amount", "receipt_email", "statement_descriptor",
        "statement_descriptor_suffix", "transfer_data", "transfer_group",
    )  # fmt: skip
    amount = integer(params, "amount", least=1)
    seen = tx.require("charge", id, lock=False)
    intent = tx.require("payment_intent", seen["payment_intent"])
    charge = tx.require("charge", id)
    if charge["captured"]:
        raise StripeError(f"Charge {id} has already been captured.", code="charge_already_captured")
    if charge["refunded"] or charge["status"] != "succeeded":
        raise StripeError(f"Charge {id} has been released and cannot be captured.", code="charge_expired_for_capture")
    if amount is not None and amount > charge["amount"]:
        raise StripeError(
            "The capture amount is greater than the amount of the charge.", code="amount_too_large", param="amount"
        )
    intent_moves.capture(tx, intent, charge, charge["amount"] if amount is None else amount)
    return charge
