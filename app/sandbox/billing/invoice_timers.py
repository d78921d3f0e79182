"""What happens to invoices by itself: drafts become real, failed payments are tried again, due dates pass."""

from __future__ import annotations

from app.sandbox.billing import collecting, invoice_steps, paying
from app.sandbox.billing.invoice_shapes import subscription_of
from app.sandbox.billing.subscription_states import move
from app.sandbox.params import Obj
from app.sandbox.routes import timer
from app.sandbox.tx import Tx


@timer("invoice_finalizes")
def finalizes(tx: Tx, invoice: str, when: int) -> None:
    """An hour after a renewal: finalized, then charged or sent; unless collection is paused."""
    found = tx.get("invoice", invoice, lock=True)
    if found is None or found["status"] != "draft" or found["automatically_finalizes_at"] != when:
        return
    named = subscription_of(found)
    subscription = tx.get("subscription", named, lock=True) if named else None
    pause = (subscription or {}).get("pause_collection")
    if pause and (pause["resumes_at"] is None or pause["resumes_at"] > tx.now):
        _while_paused(tx, found, pause["behavior"])
        return
    invoice_steps.finalize(tx, found)
    if found["status"] != "open":
        return
    if found["collection_method"] == "send_invoice":
        tx.emit("invoice.sent", found)
        return
    collect(tx, found, subscription)


@timer("invoice_is_tried_again")
def is_tried_again(tx: Tx, invoice: str, when: int) -> None:
    found = tx.get("invoice", invoice, lock=True)
    if found is None or found["status"] != "open" or found["next_payment_attempt"] != when:
        return
    named = subscription_of(found)
    collect(tx, found, tx.get("subscription", named, lock=True) if named else None)


@timer("invoice_is_due")
def is_due(tx: Tx, invoice: str) -> None:
    """Sent, and not paid in time: invoice.overdue, and the subscription is past_due."""
    found = tx.get("invoice", invoice, lock=True)
    if found is None or found["status"] != "open":
        return
    tx.emit("invoice.overdue", found)
    collecting.mark_customer(tx, found, delinquent=True)
    named = subscription_of(found)
    subscription = tx.get("subscription", named, lock=True) if named else None
    if subscription and subscription["status"] == "active":
        move(tx, subscription, "past_due")


def collect(tx: Tx, invoice: Obj, subscription: Obj | None) -> None:
    """Without the customer. A card whose bank forbade another try is not asked; the try counts."""
    customer = tx.require("customer", invoice["customer"], lock=False)
    if customer.get("deleted"):
        return
    method = paying.of_invoice(tx, invoice, customer, subscription)
    intent = paying.open_intent(tx, invoice)
    if intent["status"] in ("processing", "succeeded"):
        return
    if method is None or collecting.is_hopeless(intent, method):
        collecting.fail_without_method(tx, invoice)
        failed = True
    else:
        failed = collecting.collect(tx, invoice, method, off_session=True) is not None
    if failed:
        collecting.mark_customer(tx, invoice, delinquent=True)


def _while_paused(tx: Tx, invoice: Obj, behaviour: str) -> None:
    if behaviour == "keep_as_draft":
        invoice.update(auto_advance=False, automatically_finalizes_at=None)
        tx.put(invoice)
        tx.emit("invoice.updated", invoice, {"auto_advance": True})
        return
    invoice_steps.finalize(tx, invoice)
    if invoice["status"] != "open":
        return
    if behaviour == "void":
        invoice_steps.void(tx, invoice)
    else:
        invoice_steps.give_up(tx, invoice, "subscription_paused")
