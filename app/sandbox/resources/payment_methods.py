"""Cards and bank accounts as customers give them: made, saved for a customer, let go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.errors import invalid, no_such
from app.sandbox.params import Obj, allow, choice, hash_of, metadata, need
from app.sandbox.resources import shapes
from app.sandbox.resources.cards import by_fingerprint
from app.sandbox.resources.mandates import end_mandates
from app.sandbox.resources.method_making import REDISPLAY, TYPES, build, in_path
from app.sandbox.resources.saving import SPENT, check_saving, is_spent
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("POST", "/v1/payment_methods")
def create(tx: Tx) -> Obj:
    allow(
        tx.params, "type", *TYPES, "billing_details", "metadata", "allow_redisplay", "customer", "payment_method",
        "radar_options",
    )  # fmt: skip
    need(tx.params, "type")
    method = build(tx, tx.params)
    tx.put(method)
    return method


@route("GET", "/v1/payment_methods/{id}")
def retrieve(tx: Tx, id: str) -> Obj:  # noqa: A002
    return in_path(tx, id, lock=False)


@route("POST", "/v1/payment_methods/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(params, "allow_redisplay", "billing_details", "card", "metadata", "us_bank_account")
    method = in_path(tx, id)
    if method["customer"] is None:
        raise invalid(
            "You must save this PaymentMethod to a customer before you can update it.", code="payment_method_unattached"
        )
    before = {
        name: method[name] for name in ("billing_details", "metadata", "allow_redisplay", "card") if name in method
    }
    method["metadata"] = metadata(params, method["metadata"])
    method["billing_details"] = shapes.billing_details(hash_of(params, "billing_details"), method["billing_details"])
    method["allow_redisplay"] = choice(params, "allow_redisplay", REDISPLAY) or method["allow_redisplay"]
    if hash_of(params, "card"):
        method["card"] = _renewed(tx, method["card"], hash_of(params, "card"))
    tx.put(method)
    tx.emit("payment_method.updated", method, {name: old for name, old in before.items() if method[name] != old})
    return method


def _renewed(tx: Tx, card: Obj, given: Mapping[str, Any]) -> Obj:
    from app.sandbox.resources.card_input import check_expiry

    allow(given, "exp_month", "exp_year", "networks")
    month, year = check_expiry(
        tx, str(given.get("exp_month", card["exp_month"])), str(given.get("exp_year", card["exp_year"]))
    )
    return {**card, "exp_month": month, "exp_year": year}


@route("POST", "/v1/payment_methods/{id}/attach")
def attach_route(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "customer")
    need(tx.params, "customer")
    customer = live_customer(tx, str(tx.params["customer"]))
    method = in_path(tx, id)
    attach(tx, method, customer["id"])
    return method


def live_customer(tx: Tx, customer_id: str, *, lock: bool = True) -> Obj:
    """A customer that has not been deleted; 400 else."""
    customer = tx.get("customer", customer_id, lock=lock)
    if customer is None or customer.get("deleted"):
        raise no_such("customer", customer_id, param="customer", status=400)
    return customer


def attach(tx: Tx, method: Obj, customer_id: str) -> None:
    """Save the method for a customer. A card that every bank refuses is refused here already."""
    if method["customer"] == customer_id:
        return
    if method["customer"]:
        raise invalid(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    if is_spent(tx, method):
        raise invalid(SPENT, code="payment_method_unexpected_state", param="payment_method")
    check_saving(method)
    keep_for(tx, method, customer_id)


def keep_for(tx: Tx, method: Obj, customer_id: str) -> None:
    """Attach without asking the bank again."""
    if method["customer"] == customer_id:
        return
    method["customer"] = customer_id
    if method["type"] == "card" and method["card"]["checks"]["cvc_check"] is None:
        method["card"]["checks"]["cvc_check"] = dict(by_fingerprint(method["card"]["fingerprint"]).checks).get("cvc")
    tx.put(method)
    tx.emit("payment_method.attached", method)


@route("POST", "/v1/payment_methods/{id}/detach")
def detach(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params)
    seen = in_path(tx, id, lock=False)
    if seen["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            code="payment_method_unexpected_state",
        )
    customer = tx.get("customer", seen["customer"], lock=True)
    method = in_path(tx, id)
    let_go(tx, method)
    if customer and not customer.get("deleted"):
        _forget_default(tx, customer, method["id"])
    return method


def let_go(tx: Tx, method: Obj) -> None:
    """Take the method from its customer, for good: it can never be used again, and its mandates end."""
    owner, method["customer"] = method["customer"], None
    tx.put(method)
    tx.put({"object": "sandbox.spent", "id": method["id"]})
    tx.emit("payment_method.detached", method, {"customer": owner})
    end_mandates(tx, method["id"])


def _forget_default(tx: Tx, customer: Obj, method_id: str) -> None:
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == method_id:
        before = {"invoice_settings": dict(settings)}
        settings["default_payment_method"] = None
        tx.put(customer)
        tx.emit("customer.updated", customer, before)
