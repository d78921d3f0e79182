"""Cards and bank accounts as customers give them: made, saved for a customer, let go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.errors import StripeError, invalid, no_such
from app.sandbox.params import Obj, allow, choice, hash_of, metadata, need, text
from app.sandbox.resources import ibans, shapes
from app.sandbox.resources.card_input import CardInput, read_card
from app.sandbox.resources.cards import by_alias, by_fingerprint, fingerprint
from app.sandbox.resources.mandates import end_mandates
from app.sandbox.resources.saving import SPENT, check_saving, is_spent
from app.sandbox.routes import route
from app.sandbox.tx import Tx
from app.sandbox.versions import at_least

TYPES = ("card", "sepa_debit", "customer_balance", "link")
REDISPLAY = ("always", "limited", "unspecified")


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


def build(tx: Tx, given: Mapping[str, Any], prefix: str = "") -> Obj:
    """A new PaymentMethod from `type` and its details; not yet stored. `prefix` names the parameter in errors."""
    kind = choice(given, "type", TYPES)
    if kind is None:
        raise StripeError("Missing required param: type.", code="parameter_missing", param=f"{prefix}[type]")
    billing = shapes.billing_details(hash_of(given, "billing_details"))
    if kind == "card":
        return of_card(tx, read_card(tx, hash_of(given, "card")), billing=billing, given=given)
    if kind == "sepa_debit":
        return of_bank(tx, text(hash_of(given, "sepa_debit"), "iban"), billing=billing, given=given)
    return {**_blank(tx, kind, billing, given), kind: {}}


def of_card(tx: Tx, read: CardInput, *, billing: Obj, given: Mapping[str, Any]) -> Obj:
    card, month, year, has_cvc = read
    checks = shapes.card_checks(card, billing, has_cvc=has_cvc)
    return {
        **_blank(tx, "card", billing, given),
        "card": shapes.method_card(card, month=month, year=year, checks=checks),
    }


def of_bank(tx: Tx, iban: str | None, *, billing: Obj, given: Mapping[str, Any]) -> Obj:
    """A SEPA debit account. Stripe insists on name and email, outside the EEA (from endive) on the address as well."""
    if iban is None:
        raise StripeError(
            "Missing required param: sepa_debit[iban].", code="parameter_missing", param="sepa_debit[iban]"
        )
    compact = ibans.normalised(iban)
    for name in ("name", "email"):
        if not billing[name]:
            full = f"billing_details[{name}]"
            raise StripeError(f"Missing required param: {full}.", code="parameter_missing", param=full)
    country = compact[:2]
    if country in ibans.SEPA_OUTSIDE_EEA and at_least(tx.api_version, "2026-09-30") and not billing["address"]["line1"]:
        raise StripeError(
            "Missing required param: billing_details[address].",
            code="parameter_missing",
            param="billing_details[address]",
        )
    mark = fingerprint(compact)
    if ibans.behaviour(mark).outcome == "unsupported":
        raise invalid(
            "The bank of this IBAN does not support SEPA Direct Debit.",
            param="sepa_debit[iban]",
            code="sepa_debit_bank_not_supported",
        )
    bank = {
        "bank_code": compact[4:9],
        "branch_code": "",
        "country": country,
        "fingerprint": mark,
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": compact[-4:],
    }
    return {**_blank(tx, "sepa_debit", billing, given), "sepa_debit": bank}


def _blank(tx: Tx, kind: str, billing: Obj, given: Mapping[str, Any]) -> Obj:
    return {
        "id": tx.new_id("pm_"),
        "object": "payment_method",
        "allow_redisplay": choice(given, "allow_redisplay", REDISPLAY) or "unspecified",
        "billing_details": billing,
        "created": tx.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": metadata(given),
        "type": kind,
    }


def from_alias(tx: Tx, name: str) -> Obj | None:
    """A fresh PaymentMethod for `pm_card_visa`, `pm_sepaDebit_success_at` and their like; stored, or None."""
    card = by_alias(name) if name.startswith("pm_card_") else None
    iban = ibans.by_alias(name)
    if card:
        plain = shapes.billing_details({})
        method = of_card(tx, (card, 12, _next_year(tx), True), billing=plain, given={})
    elif iban:
        owner = shapes.billing_details({"name": "Jenny Rosen", "email": "jenny@example.com"})
        method = of_bank(tx, iban, billing=owner, given={})
    else:
        return None
    tx.put(method)
    return method


def resolve(tx: Tx, given: str, *, param: str = "payment_method", lock: bool = True) -> Obj:
    """The PaymentMethod of an id or a test alias; 400 when there is none."""
    fresh = from_alias(tx, given)
    if fresh:
        return fresh
    found = tx.get("payment_method", given, lock=lock)
    if found is None:
        raise no_such("PaymentMethod", given, param=param, status=400)
    return found


def in_path(tx: Tx, given: str, *, lock: bool = True) -> Obj:
    found = from_alias(tx, given) or tx.get("payment_method", given, lock=lock)
    if found is None:
        raise no_such("PaymentMethod", given, param="payment_method")
    return found


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
    if customer["invoice_settings"]["default_payment_method"] == method_id:
        customer["invoice_settings"]["default_payment_method"] = None
        tx.put(customer)


def _next_year(tx: Tx) -> int:
    return 1970 + tx.now // 31_556_952 + 1
