"""`POST /v1/invoices/create_preview`: the invoice that would come, found out by rehearsing it and forgetting it again."""

from __future__ import annotations

from typing import Any

from app.sandbox.billing import invoice_items, invoice_shapes, invoice_steps, subscription_shapes
from app.sandbox.billing.clocks import customer_in_time, enter
from app.sandbox.billing.subscription_changes import anchor_wish, change
from app.sandbox.billing.subscription_create import subscribe
from app.sandbox.billing.subscription_ends import OVER
from app.sandbox.billing.subscription_timers import renew
from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj, Params, allow, boolean, hash_of, list_of, text
from app.sandbox.resources.currencies import SETTLED
from app.sandbox.routes import route
from app.sandbox.tx import Tx

DETAILS = ("cancel_at", "cancel_at_period_end", "default_tax_rates", "items", "metadata", "proration_date", "trial_end")


@route("POST", "/v1/invoices/create_preview")
def create_preview(tx: Tx) -> Obj:
    """Of a subscription's next invoice, of a change to it, of a new subscription, or of what waits for a customer."""
    params = tx.params
    allow(
        params, "automatic_tax", "currency", "customer", "customer_account", "customer_details", "discounts",
        "invoice_items", "issuer", "on_behalf_of", "preview_mode", "schedule", "schedule_details", "subscription",
        "subscription_details",
    )  # fmt: skip
    details = hash_of(params, "subscription_details")
    named = text(params, "subscription")
    if named:
        subscription = tx.require("subscription", named, param="subscription", lock=False)
        enter(tx, subscription)
        return _of_change(tx, subscription, details) if _speaks_of_change(details) else of_renewal(tx, named)
    if not params.get("customer"):
        raise invalid("You must provide a customer or a subscription to preview an invoice.", param="customer")
    customer = customer_in_time(tx, str(params["customer"]))
    if list_of(details, "items"):
        return _of_new(tx, customer, details)
    return _of_waiting(tx, customer)


def of_renewal(tx: Tx, subscription_id: str) -> Obj:
    """The invoice of the next period as things stand."""
    with tx.rehearsal():
        subscription = tx.require("subscription", subscription_id)
        if subscription["status"] in OVER or subscription["cancel_at_period_end"]:
            raise nothing_upcoming(subscription["customer"])
        every = subscription_shapes.items_of(tx, subscription)
        _wait_until(tx, min(int(one["current_period_end"]) for one in every))
        _add_wishes(tx, subscription)
        return _shown(tx, renew(tx, subscription, every), "upcoming")


def nothing_upcoming(customer_id: str) -> StripeError:
    return StripeError(f"No upcoming invoices for customer: {customer_id}", status=404, code="invoice_upcoming_none")


def _of_change(tx: Tx, subscription: Obj, details: Obj) -> Obj:
    """What the change would bill at once, or else the next renewal with its prorations on it."""
    with tx.rehearsal():
        wish: Params = {name: details[name] for name in DETAILS if name in details}
        wish["proration_behavior"] = details.get("proration_behavior") or "create_prorations"
        if "billing_cycle_anchor" in details:
            anchor_wish(tx, details)
            wish["billing_cycle_anchor"] = details["billing_cycle_anchor"]
        before = subscription["latest_invoice"]
        fresh = tx.require("subscription", subscription["id"])
        changed = change(tx, {**wish, "payment_behavior": "default_incomplete"}, fresh)
        if changed["latest_invoice"] != before:
            return _shown(tx, tx.require("invoice", changed["latest_invoice"]), "subscription_update")
        return of_renewal(tx, subscription["id"])


def _of_new(tx: Tx, customer: Obj, details: Obj) -> Obj:
    with tx.rehearsal():
        wish: Params = {name: details[name] for name in (*DETAILS, "billing_cycle_anchor") if name in details}
        wish.pop("proration_date", None)
        owner = tx.require("customer", customer["id"])
        made = subscribe(tx, {**wish, "payment_behavior": "default_incomplete"}, owner)
        return _shown(tx, tx.require("invoice", made["latest_invoice"]), "upcoming")


def _of_waiting(tx: Tx, customer: Obj) -> Obj:
    """The customer's next renewal, or only the items that wait."""
    alive = [
        one
        for one in tx.find("subscription", customer=customer["id"])
        if one["status"] in ("active", "trialing", "past_due") and not one["cancel_at_period_end"]
    ]
    if alive and not list_of(tx.params, "invoice_items"):
        first = min(alive, key=lambda one: one["items"]["data"][0]["current_period_end"])
        return of_renewal(tx, first["id"])
    with tx.rehearsal():
        _add_wishes(tx, {"customer": customer["id"], "currency": None})
        items = invoice_items.pending(tx, customer["id"], text(tx.params, "currency"))
        if not items:
            raise nothing_upcoming(customer["id"])
        currency = items[0]["currency"] or SETTLED[0]
        invoice = invoice_shapes.blank(tx, customer, currency, "manual")
        taken = invoice_items.take(tx, invoice, [item for item in items if item["currency"] == currency])
        invoice_steps.store(tx, invoice, taken)
        return _shown(tx, invoice, "manual")


def _add_wishes(tx: Tx, owner: Obj) -> None:
    """`invoice_items` that the caller imagines."""
    customer = tx.require("customer", owner["customer"], lock=False)
    for wish in list_of(tx.params, "invoice_items"):
        given: Any = {name: value for name, value in wish.items() if name != "invoiceitem"}
        if not given.get("currency") and owner["currency"]:
            given["currency"] = owner["currency"]
        tx.put(invoice_items.build(tx, given, customer))


def _speaks_of_change(details: Obj) -> bool:
    return bool(set(details) - {"proration_behavior"}) and not boolean(details, "cancel_now")


def _wait_until(tx: Tx, moment: int) -> None:
    if tx.clock is None:
        tx.now = moment
    else:
        tx.enter_clock(tx.clock, moment)


def _shown(tx: Tx, invoice: Obj, reason: str) -> Obj:
    """As a preview looks: still a draft, with ids that name nothing."""
    preview_id = f"upcoming_{invoice['id']}"
    lines = {
        **invoice["lines"],
        "data": [{**one, "id": f"il_tmp_{one['id'][3:]}", "invoice": preview_id} for one in invoice["lines"]["data"]],
        "url": f"/v1/invoices/{preview_id}/lines",
    }
    return {
        **invoice,
        "id": preview_id,
        "attempt_count": 0,
        "attempted": False,
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "ending_balance": invoice["starting_balance"] + (invoice["ending_balance"] or 0)
        if invoice["ending_balance"]
        else 0,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "lines": lines,
        "next_payment_attempt": tx.now + invoice_steps.HOUR,
        "number": None,
        "status": "draft",
        "webhooks_delivered_at": None,
    }
