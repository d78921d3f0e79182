"""Which method pays an invoice, and the PaymentIntent it pays with."""

from __future__ import annotations

from typing import Any

from app.sandbox.billing.invoice_shapes import payment, subscription_of
from app.sandbox.errors import invalid
from app.sandbox.expand import made_list
from app.sandbox.params import Obj
from app.sandbox.resources import method_types, payment_intents, shapes
from app.sandbox.resources.cards import by_fingerprint
from app.sandbox.resources.method_making import resolve
from app.sandbox.tx import Tx

BILLABLE = ("card", "link", "sepa_debit", "us_bank_account", "bacs_debit")


def default_method(tx: Tx, customer: Obj, *holders: Obj | None) -> Obj | None:
    """The first default there is: the invoice's, the subscription's, the customer's; PaymentMethods before sources."""
    for holder in holders:
        if holder and holder["default_payment_method"]:
            return tx.get("payment_method", holder["default_payment_method"])
        if holder and holder["default_source"]:
            return of_source(tx, holder["default_source"])
    named = customer["invoice_settings"]["default_payment_method"]
    if named:
        return tx.get("payment_method", named)
    return of_source(tx, customer["default_source"]) if customer["default_source"] else None


def of_invoice(tx: Tx, invoice: Obj, customer: Obj, subscription: Obj | None = None) -> Obj | None:
    subscription_id = subscription_of(invoice)
    if subscription is None and subscription_id:
        subscription = tx.get("subscription", subscription_id)
    return default_method(tx, customer, invoice, subscription)


def owned(tx: Tx, method_id: str, customer: Obj, param: str = "payment_method") -> Obj:
    """A method that the customer has saved; 400 else."""
    method = of_source(tx, method_id) if method_id.startswith("card_") else resolve(tx, method_id, param=param)
    if method is None or method["customer"] != customer["id"]:
        raise invalid(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be attached to "
            "the customer.",
            param=param,
            code="resource_missing",
        )
    return method


def of_source(tx: Tx, source_id: str) -> Obj | None:
    """A card saved the old way, in the shape of a PaymentMethod."""
    card = tx.get("card", source_id)
    if card is None:
        return None
    known = by_fingerprint(card["fingerprint"])
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": card["cvc_check"]}
    return {
        "id": source_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": shapes.billing_details({"name": card["name"]}),
        "card": shapes.method_card(known, month=card["exp_month"], year=card["exp_year"], checks=checks),
        "created": tx.now,
        "customer": card["customer"],
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def open_payment(tx: Tx, invoice: Obj) -> Obj:
    """The invoice is open: it gets its PaymentIntent and the invoice_payment between them; payment_intent.created."""
    intent = payment_intents.blank(tx, invoice["amount_remaining"], invoice["currency"])
    method_types.choose(tx, {}, intent, currency=invoice["currency"], fresh=True)
    renewing = subscription_of(invoice) is not None
    intent.update(
        automatic_payment_methods=None,
        customer=invoice["customer"],
        description=_description(invoice),
        payment_details={"customer_reference": None, "order_reference": invoice["id"]},
        payment_method_options={"card": dict(payment_intents.CARD_OPTIONS)},
        payment_method_types=_types(invoice, intent["payment_method_types"]),
        receipt_email=None,
        setup_future_usage="off_session" if renewing else None,
        statement_descriptor=invoice["statement_descriptor"],
    )
    bond = payment(tx, invoice, intent)
    tx.put(intent)
    tx.put(bond)
    tx.emit("payment_intent.created", intent)
    return intent


def bonds(tx: Tx, invoice_id: str) -> list[Obj]:
    """All invoice_payments of an invoice, newest first."""
    return tx.find("invoice_payment", invoice=invoice_id)


def open_intent(tx: Tx, invoice: Obj) -> Obj:
    """The PaymentIntent that still waits to pay this invoice; a new one when the old one cannot any more."""
    for bond in bonds(tx, invoice["id"]):
        if bond["status"] == "open" and bond["is_default"] and bond["payment"]["type"] == "payment_intent":
            intent = tx.require("payment_intent", bond["payment"]["payment_intent"])
            if intent["status"] != "canceled":
                return intent
    return open_payment(tx, invoice)


def _types(invoice: Obj, by_currency: list[str]) -> list[str]:
    wished = invoice["payment_settings"]["payment_method_types"]
    return [name for name in wished if name in BILLABLE] if wished else by_currency


def _description(invoice: Obj) -> str | None:
    return {
        "subscription_create": "Subscription creation",
        "subscription_update": "Subscription update",
        "subscription_cycle": "Subscription update",
    }.get(invoice["billing_reason"], invoice["description"])


@made_list("invoice", "confirmation_secret")
def confirmation_secret(tx: Tx, invoice: Obj) -> Any:
    """What a page needs to pay an open invoice; only when it is asked for."""
    for bond in bonds(tx, invoice["id"]):
        intent = tx.get("payment_intent", bond["payment"].get("payment_intent") or "")
        if bond["is_default"] and intent:
            return {"client_secret": intent["client_secret"], "type": "payment_intent"}
    return None
