"""The customer's permission to debit a bank account: written at the first confirmation, ended with its account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.params import Obj, allow, choice, hash_of, text, to_moment
from app.sandbox.resources.bank_accounts import DEBITS
from app.sandbox.tx import Tx

NETWORK_SECONDS = 10
"""What takes the Bacs network days: reading a new mandate."""
USABLE = ("active", "pending")


def find_active(tx: Tx, method_id: str) -> Obj | None:
    for mandate in tx.find("mandate", payment_method=method_id):
        if mandate["status"] in USABLE and mandate["type"] == "multi_use":
            return mandate
    return None


def agree(tx: Tx, method: Obj, given: Any, *, reusable: bool, once: tuple[int, str] | None = None) -> Obj | None:
    """The mandate a confirmation needs: the one it brings, one the account has already, or Stripe's refusal."""
    if method["type"] not in DEBITS and not given:
        return None
    if not given:
        known = find_active(tx, method["id"])
        if known is None:
            raise _needed(method["type"])
        return known
    mandate_id = tx.new_id("mandate_")
    mandate = {
        "id": mandate_id,
        "object": "mandate",
        "customer_acceptance": acceptance(tx, given),
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": _details(tx, method, mandate_id),
        "status": "pending" if method["type"] == "bacs_debit" else "active",
        "type": "multi_use" if reusable else "single_use",
    }
    if reusable:
        mandate["multi_use"] = {"amount": None, "currency": None}
    else:
        amount, currency = once or (0, "eur")
        mandate["single_use"] = {"amount": amount, "currency": currency}
    tx.put(mandate)
    if mandate["status"] == "pending":
        tx.later(tx.now + NETWORK_SECONDS, "network_reads_mandate", mandate=mandate["id"])
    return mandate


def named(tx: Tx, mandate_id: str) -> Obj:
    """A mandate that a confirmation names; one that ended allows nothing any more."""
    mandate = tx.require("mandate", mandate_id, param="mandate", lock=False)
    if mandate["status"] not in USABLE:
        raise StripeError(
            f"The mandate {mandate_id} is {mandate['status']} and cannot be used.",
            code="payment_intent_mandate_invalid",
            param="mandate",
        )
    return mandate


def acceptance(tx: Tx, given: Any) -> Obj:
    """`mandate_data[customer_acceptance]`, online with address and browser or offline."""
    if not isinstance(given, Mapping):
        raise invalid("Invalid object", param="mandate_data")
    told = hash_of(given, "customer_acceptance")
    allow(told, "type", "accepted_at", "online", "offline")
    kind = choice(told, "type", ("online", "offline"))
    if kind is None:
        raise missing("mandate_data[customer_acceptance][type]")
    accepted = told.get("accepted_at")
    accepted_at = to_moment(accepted, "mandate_data[customer_acceptance][accepted_at]") if accepted else tx.now
    if kind == "offline":
        return {"accepted_at": accepted_at, "offline": {}, "type": kind}
    online = hash_of(told, "online")
    return {
        "accepted_at": accepted_at,
        "online": {"ip_address": text(online, "ip_address"), "user_agent": text(online, "user_agent")},
        "type": kind,
    }


def end_mandates(tx: Tx, method_id: str) -> None:
    """The account is gone, and with it every permission to debit it."""
    for mandate in tx.find("mandate", payment_method=method_id):
        if mandate["status"] != "inactive":
            old, mandate["status"] = mandate["status"], "inactive"
            tx.put(mandate)
            tx.emit("mandate.updated", mandate, {"status": old})


def _details(tx: Tx, method: Obj, mandate_id: str) -> Obj:
    kind = method["type"]
    if kind not in ("sepa_debit", "bacs_debit"):
        return {kind: {}, "type": kind}
    reference = tx.new_id("", 16).upper()
    written: Obj = {"reference": reference, "url": tx.page(f"/mandate/{mandate_id}")}
    if kind == "bacs_debit":
        written |= {
            "display_name": "Counterfoil Sandbox",
            "network_status": "pending",
            "revocation_reason": None,
            "service_user_number": "000000",
        }
    return {kind: written, "type": kind}


def _needed(kind: str) -> StripeError:
    return StripeError(
        f"When confirming with a PaymentMethod of type `{kind}`, you must provide `mandate_data` or the ID of a mandate "
        "that the customer agreed to before.",
        code="payment_intent_mandate_invalid",
        param="mandate_data",
    )
