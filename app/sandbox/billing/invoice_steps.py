"""What can happen to an invoice as a whole: finalized, sent, voided, given up, overdue. Events are told here."""

from __future__ import annotations

from app.sandbox.billing import balances, collecting, invoice_shapes, lines, paying, totals
from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj
from app.sandbox.resources import intent_moves
from app.sandbox.resources.currencies import minimum
from app.sandbox.tx import Tx

HOUR = 3_600
DAY = 86_400


def finalize(tx: Tx, invoice: Obj) -> None:
    """draft → open (or paid at once, when nothing is due): a number, the customer as they are now, a PaymentIntent."""
    if invoice["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    customer = tx.require("customer", invoice["customer"])
    if not customer.get("deleted"):
        invoice.update(invoice_shapes.of_customer(customer))
        if invoice["number"] is None:
            invoice["number"] = _next_number(customer)
        _take_balance(tx, invoice, customer)
    invoice.update(
        status="open",
        automatically_finalizes_at=None,
        effective_at=invoice["effective_at"] or tx.now,
        hosted_invoice_url=tx.page(f"/invoice/{invoice['id']}"),
        invoice_pdf=tx.page(f"/invoice/{invoice['id']}/pdf"),
    )
    invoice["status_transitions"]["finalized_at"] = tx.now
    totals.count_due(invoice)
    too_small = 0 < invoice["amount_due"] < minimum(invoice["currency"])
    if too_small:
        _carry_over(tx, invoice, customer)
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"]:
        tx.later(invoice["due_date"], "invoice_is_due", invoice=invoice["id"])
    tx.put(invoice)
    tx.emit("invoice.finalized", invoice)
    if invoice["amount_remaining"] == 0:
        invoice["attempted"] = True
        collecting.settle(tx, invoice)
    else:
        paying.open_payment(tx, invoice)


def send(tx: Tx, invoice: Obj) -> None:
    """By e-mail; a draft is finalized first."""
    if invoice["collection_method"] != "send_invoice":
        raise invalid("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["customer_email"] is None:
        raise invalid(
            "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email.",
            code="missing_email",
        )
    if invoice["status"] == "draft":
        finalize(tx, invoice)
    elif invoice["status"] != "open":
        raise invalid(f"You can only send open invoices; this one is {invoice['status']}.")
    tx.emit("invoice.sent", invoice)


def void(tx: Tx, invoice: Obj) -> None:
    """open or uncollectible → void; its number stays used. What was taken from the balance goes back."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise _wrong(invoice, "voided", "open or uncollectible")
    if invoice["amount_paid"]:
        raise invalid("You can only void invoices that have not been paid, not even partly.")
    end_payments(tx, invoice)
    _give_balance_back(tx, invoice)
    invoice.update(status="void", next_payment_attempt=None, auto_advance=False)
    invoice["status_transitions"]["voided_at"] = tx.now
    tx.put(invoice)
    tx.emit("invoice.voided", invoice)


def give_up(tx: Tx, invoice: Obj, reason: str = "user_forgiven") -> None:
    """open → uncollectible: nobody asks for it any more, but it can still be paid."""
    if invoice["status"] != "open":
        raise _wrong(invoice, "marked as uncollectible", "open")
    invoice.update(
        status="uncollectible",
        next_payment_attempt=None,
        auto_advance=False,
        status_details={"uncollectible": {"reason": reason}},
    )
    invoice["status_transitions"]["marked_uncollectible_at"] = tx.now
    tx.put(invoice)
    tx.emit("invoice.marked_uncollectible", invoice)


def stop_collecting(tx: Tx, invoice: Obj) -> None:
    """Its subscription is over: an invoice that is not paid waits for somebody to decide."""
    if invoice["status"] not in ("draft", "open") or not (invoice["auto_advance"] or invoice["next_payment_attempt"]):
        return
    before = {
        name: invoice[name] for name in ("auto_advance", "next_payment_attempt") if invoice[name] not in (None, False)
    }
    invoice.update(auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)
    tx.put(invoice)
    tx.emit("invoice.updated", invoice, before)


def store(tx: Tx, invoice: Obj, every: list[Obj]) -> None:
    """Write a draft with these lines and their sums."""
    lines.show(invoice, every)
    totals.add_up(tx, invoice, every)
    lines.show(invoice, every)
    lines.keep(tx, every)
    tx.put(invoice)


def check_draft(invoice: Obj) -> None:
    if invoice["status"] != "draft":
        raise StripeError("You can only change the amounts of a draft invoice.", code="invoice_not_editable")


def _next_number(customer: Obj) -> str:
    """The customer's own sequence, taken when an invoice becomes real: no gaps, whatever happened to drafts."""
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}"
    customer["next_invoice_sequence"] += 1
    return number


def _take_balance(tx: Tx, invoice: Obj, customer: Obj) -> None:
    same = customer["currency"] in (None, invoice["currency"])
    balance = customer["balance"] if same else 0
    invoice["starting_balance"] = balance
    applied = totals.applied_balance(invoice["total"], balance)
    invoice["ending_balance"] = balance + applied
    if applied:
        before = {"balance": customer["balance"]}
        balances.move(tx, customer, applied, invoice["currency"], "applied_to_invoice", invoice=invoice["id"])
        tx.emit("customer.updated", customer, before)
    else:
        customer["currency"] = customer["currency"] or invoice["currency"]
        tx.put(customer)


def _carry_over(tx: Tx, invoice: Obj, customer: Obj) -> None:
    """Too little to charge: the next invoice asks for it."""
    amount = invoice["amount_due"]
    before = {"balance": customer["balance"]}
    balances.move(tx, customer, amount, invoice["currency"], "invoice_too_small", invoice=invoice["id"])
    tx.emit("customer.updated", customer, before)
    invoice["ending_balance"] += amount
    totals.count_due(invoice)


def _give_balance_back(tx: Tx, invoice: Obj) -> None:
    applied = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
    customer = tx.get("customer", invoice["customer"], lock=True)
    if not applied or customer is None or customer.get("deleted"):
        return
    before = {"balance": customer["balance"]}
    balances.move(tx, customer, -applied, invoice["currency"], "unapplied_from_invoice", invoice=invoice["id"])
    tx.emit("customer.updated", customer, before)


def end_payments(tx: Tx, invoice: Obj) -> None:
    for bond in paying.bonds(tx, invoice["id"]):
        if bond["status"] != "open":
            continue
        bond["status"] = "canceled"
        bond["status_transitions"]["canceled_at"] = tx.now
        tx.put(bond)
        intent = tx.require("payment_intent", bond["payment"]["payment_intent"])
        if intent["status"] == "processing":
            raise invalid("You can't void an invoice while a payment for it is being processed.")
        if intent["status"] not in ("succeeded", "canceled"):
            intent_moves.end(tx, intent, "void_invoice")


def _wrong(invoice: Obj, what: str, allowed: str) -> StripeError:
    return invalid(
        f"You can only pass in {allowed} invoices. This invoice isn't {allowed}."
        if invoice["status"] == "draft"
        else f"This invoice is {invoice['status']} and can't be {what}; it must be {allowed}."
    )
