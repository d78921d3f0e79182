"""What a paid or unpaid invoice means for its subscription."""

from __future__ import annotations

from app.sandbox.billing import paying, settings
from app.sandbox.billing.invoice_shapes import subscription_of
from app.sandbox.params import Obj
from app.sandbox.tx import Tx


def move(tx: Tx, subscription: Obj, status: str, **more: object) -> None:
    """Another status: customer.subscription.updated."""
    before = {name: subscription[name] for name in ("status", *more)}
    subscription.update(status=status, **more)
    tx.put(subscription)
    changed = {name: old for name, old in before.items() if subscription[name] != old}
    tx.emit("customer.subscription.updated", subscription, changed)


def invoice_paid(tx: Tx, invoice: Obj) -> None:
    """incomplete, past_due, unpaid → active, when it was the latest; a paused one goes on."""
    subscription = _of(tx, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["payment_settings"]["save_default_payment_method"] == "on_subscription":
        subscription["default_payment_method"] = (
            method_of_payment(tx, invoice["id"]) or subscription["default_payment_method"]
        )
    if subscription["status"] == "paused" and invoice["billing_reason"] == "subscription_update":
        from app.sandbox.billing.subscription_pauses import go_on  # pausing bills

        go_on(tx, subscription)
    elif subscription["status"] in ("incomplete", "past_due", "unpaid"):
        move(tx, subscription, "active")


def invoice_unpaid(tx: Tx, invoice: Obj, *, last: bool) -> None:
    """active → past_due; after the last try whatever the shop's settings say."""
    subscription = _of(tx, invoice)
    if subscription is None or subscription["status"] not in ("active", "trialing", "past_due"):
        return
    if invoice["billing_reason"] == "manual":
        return
    if not last:
        if subscription["status"] != "past_due":
            move(tx, subscription, "past_due")
        return
    wish = settings.after_retries(tx)
    if wish == "cancel":
        from app.sandbox.billing.subscription_ends import end  # ending bills

        end(tx, subscription, reason="payment_failed")
    elif subscription["status"] != wish:
        move(tx, subscription, wish)


def invoice_voided(tx: Tx, invoice: Obj) -> None:
    """Nothing is owed any more: a subscription that was late for this invoice is not late."""
    subscription = _of(tx, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] == "incomplete":
        move(tx, subscription, "incomplete_expired", ended_at=tx.now)
    elif subscription["status"] in ("past_due", "unpaid"):
        move(tx, subscription, "active")


def method_of_payment(tx: Tx, invoice_id: str) -> str | None:
    """The saved method that paid the invoice."""
    for bond in paying.bonds(tx, invoice_id):
        intent = tx.get("payment_intent", bond["payment"].get("payment_intent") or "")
        if bond["status"] == "paid" and intent and intent["payment_method"]:
            return str(intent["payment_method"])
    return None


def _of(tx: Tx, invoice: Obj) -> Obj | None:
    named = subscription_of(invoice)
    return tx.get("subscription", named, lock=True) if named else None
