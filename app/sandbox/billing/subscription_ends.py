"""The end of a subscription: at once, at a set moment, or because nobody pays."""

from __future__ import annotations

from app.sandbox.billing import invoice_steps, prorations, subscription_shapes
from app.sandbox.billing import subscription_billing as billing
from app.sandbox.billing.clocks import enter
from app.sandbox.errors import invalid, no_such
from app.sandbox.params import Obj, allow, boolean, choice, hash_of, text
from app.sandbox.routes import route
from app.sandbox.tx import Tx

OVER = ("canceled", "incomplete_expired")
FEEDBACK = (
    "customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive",
    "unused",
)  # fmt: skip


@route("DELETE", "/v1/subscriptions/{id}")
def cancel(tx: Tx, id: str) -> Obj:  # noqa: A002
    """At once. `prorate` credits the time that was paid and is not used; `invoice_now` bills what waits."""
    allow(tx.params, "cancellation_details", "invoice_now", "prorate")
    found = tx.get("subscription", id, lock=True)
    if found is None or found["status"] in OVER:
        raise no_such("subscription", id)
    enter(tx, found)
    note_why(found, hash_of(tx.params, "cancellation_details"))
    if boolean(tx.params, "prorate") and found["status"] in ("active", "past_due"):
        prorations.credit_rest(tx, found, subscription_shapes.items_of(tx, found), tx.now)
    if boolean(tx.params, "invoice_now"):
        _bill_rest(tx, found)
    end(tx, found, reason="cancellation_requested")
    return found


def note_why(subscription: Obj, given: Obj) -> None:
    """`cancellation_details` as the caller gives them."""
    for name in ("comment", "feedback"):
        if name in given:
            subscription["cancellation_details"][name] = (
                choice(given, name, FEEDBACK) if name == "feedback" else text(given, name)
            )


def end(tx: Tx, subscription: Obj, *, reason: str) -> None:
    """canceled: customer.subscription.deleted; what is still open of it is not collected any more."""
    if subscription["status"] in OVER:
        return
    subscription["cancellation_details"]["reason"] = reason
    subscription.update(status="canceled", ended_at=tx.now, canceled_at=subscription["canceled_at"] or tx.now)
    subscription["pending_update"] = None
    tx.put(subscription)
    for invoice in tx.find("invoice", subscription=subscription["id"]):
        if invoice["status"] in ("draft", "open"):
            invoice_steps.stop_collecting(tx, tx.require("invoice", invoice["id"]))
    tx.emit("customer.subscription.deleted", subscription)


def end_all(tx: Tx, customer: Obj) -> None:
    """The customer is gone."""
    for subscription in tx.find("subscription", customer=customer["id"]):
        if subscription["status"] not in OVER:
            enter(tx, subscription)
            end(tx, tx.require("subscription", subscription["id"]), reason="cancellation_requested")


def _bill_rest(tx: Tx, subscription: Obj) -> None:
    from app.sandbox.billing.invoice_items import pending

    customer = tx.require("customer", subscription["customer"])
    if not pending(tx, customer["id"], subscription["currency"], subscription=subscription["id"]):
        return
    invoice = billing.draft(tx, subscription, customer, "subscription_update", [])
    subscription["latest_invoice"] = invoice["id"]
    billing.bill_now(tx, subscription, invoice, customer, off_session=True)


def check_alive(subscription: Obj) -> None:
    if subscription["status"] in OVER:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
        )
