"""Invoices over the API: drafted, changed, and moved along by hand."""

from __future__ import annotations

from typing import Any

from app.sandbox.billing import collecting, discounts, invoice_items, invoice_shapes, invoice_steps, lines, paying
from app.sandbox.billing.clocks import customer_in_time, enter
from app.sandbox.billing.invoice_input import CHANGEABLE, apply, tax_again
from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.params import Obj, allow, boolean, choice, text
from app.sandbox.resources.currencies import SETTLED, known_currency
from app.sandbox.routes import route
from app.sandbox.tx import Tx

AFTER_DRAFT = ("auto_advance", "default_payment_method", "default_source", "metadata", "payment_settings")


@route("POST", "/v1/invoices")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(
        params, *CHANGEABLE, "currency", "customer", "customer_account", "from_invoice", "pending_invoice_items_behavior",
        "subscription",
    )  # fmt: skip
    named = text(params, "customer")
    if named is None:
        raise missing("customer")
    customer = customer_in_time(tx, named)
    waiting = choice(params, "pending_invoice_items_behavior", ("include", "exclude")) or "exclude"
    given = text(params, "currency")
    currency = known_currency(given) if given else None
    items = invoice_items.pending(tx, named, currency) if waiting == "include" else []
    currency = currency or (items[0]["currency"] if items else customer["currency"] or SETTLED[0])
    invoice = invoice_shapes.blank(tx, customer, currency, "manual")
    if params.get("subscription"):
        found = tx.require("subscription", str(params["subscription"]), param="subscription", lock=False)
        invoice["parent"] = invoice_shapes.of_subscription(found)
    apply(tx, params, invoice, customer)
    if "discounts" not in params:
        invoice["discounts"] = [one["id"] for one in discounts.of_customer(customer, tx.now)]
    every = invoice_items.take(tx, invoice, [item for item in items if item["currency"] == currency])
    invoice_steps.store(tx, invoice, every)
    tx.emit("invoice.created", invoice)
    return invoice


@route("POST", "/v1/invoices/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(params, *CHANGEABLE)
    invoice = the_invoice(tx, id)
    if invoice["status"] != "draft":
        late = [name for name in params if name not in AFTER_DRAFT]
        if late:
            raise invalid(f"Finalized invoices can't be updated in this way: {late[0]}.", param=late[0])
    before = dict(invoice)
    customer = tx.require("customer", invoice["customer"], lock=False)
    apply(tx, params, invoice, customer)
    if invoice["status"] == "draft":
        every = lines.all_of(tx, invoice)
        if "default_tax_rates" in params:
            tax_again(every, before["default_tax_rates"], invoice["default_tax_rates"])
        invoice_steps.store(tx, invoice, every)
    else:
        tx.put(invoice)
    tx.emit("invoice.updated", invoice, {name: old for name, old in before.items() if invoice[name] != old})
    return invoice


@route("DELETE", "/v1/invoices/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    """A draft made by hand vanishes, and the items on it with it."""
    allow(tx.params)
    invoice = the_invoice(tx, id)
    if invoice["status"] != "draft":
        raise invalid(
            "You can only delete draft invoices. To remove a finalized invoice, void it instead.",
        )
    if invoice["billing_reason"] != "manual":
        raise invalid("You can't delete invoices created by subscriptions.")
    for one in lines.all_of(tx, invoice):
        details = (one["parent"] or {}).get("invoice_item_details") or {}
        if details.get("invoice_item"):
            tx.remove("invoiceitem", details["invoice_item"])
        tx.remove("line_item", one["id"])
    tx.remove("invoice", id)
    tx.emit("invoice.deleted", invoice)
    return {"id": id, "object": "invoice", "deleted": True}


@route("POST", "/v1/invoices/{id}/finalize")
def finalize(tx: Tx, id: str) -> Obj:  # noqa: A002
    """An invoice that advances by itself is collected an hour later."""
    allow(tx.params, "auto_advance")
    invoice = the_invoice(tx, id)
    wish = boolean(tx.params, "auto_advance")
    invoice["auto_advance"] = invoice["auto_advance"] if wish is None else wish
    invoice_steps.finalize(tx, invoice)
    if invoice["auto_advance"] and invoice["status"] == "open" and invoice["collection_method"] != "send_invoice":
        at = tx.now + invoice_steps.HOUR
        invoice["next_payment_attempt"] = at
        tx.put(invoice)
        tx.later(at, "invoice_is_tried_again", invoice=id, when=at)
    return invoice


@route("POST", "/v1/invoices/{id}/send")
def send(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params)
    invoice = the_invoice(tx, id)
    invoice_steps.send(tx, invoice)
    return invoice


@route("POST", "/v1/invoices/{id}/void")
def void(tx: Tx, id: str) -> Obj:  # noqa: A002
    from app.sandbox.billing.subscription_states import invoice_voided

    allow(tx.params)
    invoice = the_invoice(tx, id)
    invoice_steps.void(tx, invoice)
    invoice_voided(tx, invoice)
    return invoice


@route("POST", "/v1/invoices/{id}/mark_uncollectible")
def mark_uncollectible(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params)
    invoice = the_invoice(tx, id)
    invoice_steps.give_up(tx, invoice)
    return invoice


@route("POST", "/v1/invoices/{id}/pay")
def pay(tx: Tx, id: str) -> Obj:  # noqa: A002
    """With a method of the customer's, or (`paid_out_of_band`) with the word that it was paid elsewhere."""
    params = tx.params
    allow(params, "forgive", "mandate", "off_session", "paid_out_of_band", "payment_method", "source")
    invoice = the_invoice(tx, id)
    if invoice["status"] == "draft":
        invoice_steps.finalize(tx, invoice)
        if invoice["status"] == "paid":
            return invoice
    if invoice["status"] == "paid":
        raise StripeError("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(f"Invoices that are {invoice['status']} cannot be paid.")
    if boolean(params, "paid_out_of_band"):
        _paid_elsewhere(tx, invoice)
        return tx.require("invoice", id)
    customer = tx.require("customer", invoice["customer"], lock=False)
    named = text(params, "payment_method") or text(params, "source")
    method = paying.owned(tx, named, customer) if named else paying.of_invoice(tx, invoice, customer)
    if method is None:
        raise StripeError(
            "There is no `default_payment_method` set on this Customer or Invoice. Please provide one of these or pass in a "
            "payment method.",
            code="resource_missing",
            param="payment_method",
        )
    _check_not_processing(tx, invoice)
    away = boolean(params, "off_session") is not False
    refusal = collecting.collect(tx, invoice, method, off_session=away, mandate=text(params, "mandate"))
    if refusal:
        raise refusal
    return tx.require("invoice", id)


@route("POST", "/v1/invoices/{id}/attach_payment")
def attach_payment(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Tie a PaymentIntent of the same customer to an open invoice; what it has paid already counts."""
    allow(tx.params, "payment_intent", "payment_record")
    invoice = the_invoice(tx, id)
    named = text(tx.params, "payment_intent")
    if named is None:
        raise missing("payment_intent")
    intent = tx.require("payment_intent", named, param="payment_intent")
    if invoice["status"] != "open":
        raise invalid("Payments can only be attached to open invoices.")
    if intent["customer"] != invoice["customer"] or intent["currency"] != invoice["currency"]:
        raise invalid("The PaymentIntent belongs to another customer or has another currency.", param="payment_intent")
    if intent["status"] == "canceled":
        raise invalid("This PaymentIntent was canceled.", param="payment_intent")
    if any(bond["payment"].get("payment_intent") == named for bond in paying.bonds(tx, id)):
        raise invalid("This PaymentIntent is attached to the invoice already.", param="payment_intent")
    intent["payment_details"] = {"customer_reference": None, "order_reference": id}
    tx.put(intent)
    tx.put(invoice_shapes.payment(tx, invoice, intent, default=False))
    if intent["status"] == "succeeded":
        collecting.intent_moved(tx, intent, id)
    return tx.require("invoice", id)


def the_invoice(tx: Tx, invoice_id: str) -> Obj:
    """The invoice, locked, in its own time."""
    invoice = tx.require("invoice", invoice_id)
    enter(tx, invoice)
    return invoice


def _paid_elsewhere(tx: Tx, invoice: Obj) -> None:
    invoice_steps.end_payments(tx, invoice)
    invoice["amount_paid_off_stripe"] = invoice["amount_remaining"]
    invoice["amount_paid"] += invoice["amount_remaining"]
    collecting.settle(tx, invoice)


def _check_not_processing(tx: Tx, invoice: Obj) -> None:
    for bond in paying.bonds(tx, invoice["id"]):
        intent: Any = tx.get("payment_intent", bond["payment"].get("payment_intent") or "")
        if bond["status"] == "open" and intent and intent["status"] == "processing":
            raise invalid("There is already a payment processing for this invoice.", code="invoice_payment_processing")
