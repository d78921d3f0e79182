"""Getting an open invoice paid: the attempts, what their outcome means for it, and the tries that follow.

Events after those of the payment itself: invoice.payment_succeeded, invoice.paid, invoice_payment.paid; or
invoice.payment_failed, invoice.updated; or invoice.payment_action_required, invoice.updated.
"""

from __future__ import annotations

from app.sandbox.billing import invoice_shapes, paying, settings
from app.sandbox.errors import StripeError
from app.sandbox.params import Obj
from app.sandbox.resources import mandates
from app.sandbox.resources.attempts import Circumstances, attempt
from app.sandbox.tx import Tx

HARD = frozenset(
    (
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "stolen_card",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "authentication_required",
        "highest_risk_level",
        "transaction_not_allowed",
    )
)
"""Declines that Stripe's retry guide forbids to try again with the same card."""


def collect(tx: Tx, invoice: Obj, method: Obj, *, off_session: bool, mandate: str | None = None) -> StripeError | None:
    """Try to take what is left. The refusal is returned, not raised: the invoice and its events are written either way.

    `invoice` is out of date afterwards; read it again.
    """
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    tx.put(invoice)
    intent = paying.open_intent(tx, invoice)
    intent["amount"] = invoice["amount_remaining"]
    how = Circumstances(
        off_session=off_session,
        patient=True,
        mandate=mandate or _mandate(tx, invoice, method),
        three_d_secure="automatic",
    )
    try:
        attempt(tx, intent, method, how)
    except StripeError as refusal:
        if not refusal.commit:
            raise
        return refusal
    if intent["status"] == "requires_action":
        return StripeError(
            "This payment requires additional user action before it can be completed successfully. Payment can be completed "
            "using the PaymentIntent associated with the invoice. For more details see: https://stripe.com/docs/billing/"
            "subscriptions/overview#requires-action",
            status=402,
            type="card_error",
            code="invoice_payment_intent_requires_action",
            commit=True,
            payment_intent=intent,
        )
    return None


def intent_moved(tx: Tx, intent: Obj, invoice_id: str) -> None:
    """A PaymentIntent that pays an invoice has reached a new status: the invoice follows."""
    bond = next((one for one in paying.bonds(tx, invoice_id) if _pays_with(one, intent)), None)
    invoice = tx.get("invoice", invoice_id, lock=True)
    if bond is None or invoice is None or bond["status"] != "open":
        return
    if intent["status"] == "succeeded":
        _received(tx, invoice, bond, intent)
    elif intent["status"] == "requires_payment_method":
        _failed(tx, invoice, "invoice.payment_failed")
    elif intent["status"] == "requires_action":
        _failed(tx, invoice, "invoice.payment_action_required")
    elif intent["status"] == "processing":
        invoice.update(attempted=True, attempt_count=max(invoice["attempt_count"], 1), next_payment_attempt=None)
        tx.put(invoice)


def settle(tx: Tx, invoice: Obj) -> None:
    """Nothing is left to pay: `paid`, and the subscription hears of it."""
    from app.sandbox.billing.subscription_states import invoice_paid  # subscriptions make invoices

    invoice.update(status="paid", next_payment_attempt=None, amount_remaining=0, auto_advance=False)
    invoice["status_transitions"]["paid_at"] = tx.now
    tx.put(invoice)
    tx.emit("invoice.payment_succeeded", invoice)
    tx.emit("invoice.paid", invoice)
    mark_customer(tx, invoice, delinquent=False)
    invoice_paid(tx, invoice)


def mark_customer(tx: Tx, invoice: Obj, *, delinquent: bool) -> None:
    """`customer.delinquent`: true when a payment failed by itself or a due date passed, false when somebody paid."""
    customer = tx.get("customer", invoice["customer"], lock=True)
    if customer and not customer.get("deleted") and customer["delinquent"] is not delinquent:
        customer["delinquent"] = delinquent
        tx.put(customer)
        tx.emit("customer.updated", customer, {"delinquent": not delinquent})


def _received(tx: Tx, invoice: Obj, bond: Obj, intent: Obj) -> None:
    received = intent["amount_received"]
    bond.update(status="paid", amount_paid=received)
    bond["status_transitions"]["paid_at"] = tx.now
    tx.put(bond)
    invoice["attempted"] = True
    invoice["attempt_count"] = max(invoice["attempt_count"], 1)
    credit(tx, invoice, received)
    tx.emit("invoice_payment.paid", bond)


def credit(tx: Tx, invoice: Obj, received: int) -> None:
    """Money came for the invoice. What is more than it asked for is noted as overpaid."""
    rest = invoice["amount_remaining"]
    invoice["amount_paid"] += min(received, rest)
    invoice["amount_overpaid"] += max(received - rest, 0)
    invoice["amount_remaining"] = rest - min(received, rest)
    if invoice["amount_remaining"] == 0 and invoice["status"] in ("open", "uncollectible"):
        settle(tx, invoice)
    else:
        tx.put(invoice)


def _failed(tx: Tx, invoice: Obj, event: str) -> None:
    from app.sandbox.billing.subscription_states import invoice_unpaid  # subscriptions make invoices

    if invoice["status"] != "open":
        return
    before = {name: invoice[name] for name in ("attempt_count", "attempted", "next_payment_attempt")}
    invoice.update(attempted=True, attempt_count=max(invoice["attempt_count"], 1))
    last = plan_next_try(tx, invoice)
    tx.put(invoice)
    tx.emit(event, invoice)
    changed = {name: old for name, old in before.items() if invoice[name] != old}
    tx.emit("invoice.updated", invoice, changed)
    invoice_unpaid(tx, invoice, last=last)


def fail_without_method(tx: Tx, invoice: Obj) -> None:
    """There is nothing to charge: a failed attempt all the same."""
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    _failed(tx, invoice, "invoice.payment_failed")


def plan_next_try(tx: Tx, invoice: Obj) -> bool:
    """Set `next_payment_attempt`; True when an invoice that collects by itself has used up its tries."""
    invoice["next_payment_attempt"] = None
    if not invoice["auto_advance"] or invoice["collection_method"] != "charge_automatically":
        return False
    if _is_first_of_incomplete(tx, invoice):
        return False
    pause = settings.retry_after(tx, invoice["attempt_count"])
    if pause is None:
        return True
    invoice["next_payment_attempt"] = tx.now + pause
    tx.later(tx.now + pause, "invoice_is_tried_again", invoice=invoice["id"], when=tx.now + pause)
    return False


def is_hopeless(intent: Obj, method: Obj) -> bool:
    """The bank forbade to ask again for this very card."""
    error = intent["last_payment_error"] or {}
    refused = {error.get("code"), error.get("decline_code")} & HARD
    return bool(refused) and (error.get("payment_method") or {}).get("id") == method["id"]


def _is_first_of_incomplete(tx: Tx, invoice: Obj) -> bool:
    """The first invoice of a subscription waits for its customer, not for another try."""
    if invoice["billing_reason"] != "subscription_create":
        return False
    subscription = tx.get("subscription", invoice_shapes.subscription_of(invoice) or "")
    return subscription is None or subscription["status"] in ("incomplete", "incomplete_expired")


def _mandate(tx: Tx, invoice: Obj, method: Obj) -> str | None:
    named = invoice["payment_settings"]["default_mandate"]
    if named or method["type"] == "card":
        return str(named) if named else None
    found = mandates.find_active(tx, method["id"])
    return found["id"] if found else None


def _pays_with(bond: Obj, intent: Obj) -> bool:
    return bool(bond["payment"].get("payment_intent") == intent["id"])
