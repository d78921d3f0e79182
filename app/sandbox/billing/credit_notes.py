"""Credit notes: an invoice is corrected after it was finalized.

Before payment less is due; after it the money goes back to the card, to the customer's balance, or has gone back elsewhere.
Events: credit_note.created and what follows from it (refund.created, customer.updated, invoice.paid).
"""

from __future__ import annotations

from app.sandbox.billing import balances, collecting, credit_note_lines, totals
from app.sandbox.billing.clocks import enter
from app.sandbox.billing.paying import bonds
from app.sandbox.errors import invalid, missing
from app.sandbox.params import Obj, allow, choice, hashes_of, integer, metadata, moment, need, text
from app.sandbox.resources import refunds
from app.sandbox.routes import route
from app.sandbox.tx import Tx

CREATE_PARAMS = (
    "amount", "credit_amount", "effective_at", "email_type", "invoice", "lines", "memo", "metadata", "out_of_band_amount",
    "reason", "refund_amount", "refunds", "shipping_cost",
)  # fmt: skip
REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")
BEFORE_PAYMENT = ("requires_payment_method", "requires_confirmation", "requires_action")


@route("POST", "/v1/credit_notes")
def create(tx: Tx) -> Obj:
    allow(tx.params, *CREATE_PARAMS)
    return _issue(tx)


@route("GET", "/v1/credit_notes/preview")
def preview(tx: Tx) -> Obj:
    allow(tx.params, *CREATE_PARAMS)
    with tx.rehearsal():
        return _issue(tx)


@route("GET", "/v1/credit_notes/preview/lines")
def preview_lines(tx: Tx) -> Obj:
    lines: Obj = preview(tx)["lines"]
    return {**lines, "url": "/v1/credit_notes/preview/lines"}


@route("GET", "/v1/credit_notes/{id}/lines")
def all_lines(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "limit", "starting_after")
    tx.require("credit_note", id, lock=False)
    return credit_note_lines.page(tx, id)


@route("POST", "/v1/credit_notes/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "memo", "metadata")
    note = tx.require("credit_note", id)
    before = {"memo": note["memo"], "metadata": note["metadata"]}
    if "memo" in tx.params:
        note["memo"] = text(tx.params, "memo")
    note["metadata"] = metadata(tx.params, note["metadata"])
    tx.put(note)
    tx.emit("credit_note.updated", note, {name: old for name, old in before.items() if note[name] != old})
    return note


@route("POST", "/v1/credit_notes/{id}/void")
def void(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Only while the invoice is open: then the amount is due again."""
    allow(tx.params)
    note = tx.require("credit_note", id)
    invoice = tx.require("invoice", note["invoice"])
    enter(tx, invoice)
    if note["status"] != "issued" or note["type"] != "pre_payment" or invoice["status"] != "open":
        raise invalid("You can only void credit notes of open invoices, and only once.")
    note.update(status="void", voided_at=tx.now)
    tx.put(note)
    invoice["pre_payment_credit_notes_amount"] -= note["pre_payment_amount"]
    totals.count_due(invoice)
    tx.put(invoice)
    _ask_for(tx, invoice)
    tx.emit("credit_note.voided", note)
    return note


def _issue(tx: Tx) -> Obj:
    params = tx.params
    need(params, "invoice")
    invoice = tx.require("invoice", str(params["invoice"]), param="invoice")
    enter(tx, invoice)
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise invalid(f"Credit notes can only be issued for finalized invoices; this one is {invoice['status']}.")
    number = len(tx.find("credit_note", invoice=invoice["id"])) + 1
    note = _blank(tx, invoice, f"{invoice['number']}-CN-{number:02}")
    every = credit_note_lines.asked_for(tx, invoice, note)
    credit_note_lines.add_up(note, every)
    if note["total"] <= 0:
        raise invalid("The amount of a credit note must be more than zero.", param="amount")
    if invoice["status"] == "paid":
        _after_payment(tx, note, invoice)
    else:
        _before_payment(note, invoice)
    tx.put(note)
    credit_note_lines.keep(tx, note, every)
    tx.put(invoice)
    tx.emit("credit_note.created", note)
    if note["type"] == "pre_payment":
        _less_is_due(tx, invoice)
    return note


def _before_payment(note: Obj, invoice: Obj) -> None:
    if note["total"] > invoice["amount_remaining"]:
        raise invalid("The credit note's amount is more than what is left to pay of the invoice.", param="amount")
    note.update(type="pre_payment", pre_payment_amount=note["total"], post_payment_amount=0)
    invoice["pre_payment_credit_notes_amount"] += note["total"]


def _after_payment(tx: Tx, note: Obj, invoice: Obj) -> None:
    """The three ways must make up the total."""
    ways = {
        name: integer(tx.params, name, least=0) or 0
        for name in ("refund_amount", "credit_amount", "out_of_band_amount")
    }
    linked = _linked(tx, invoice)
    total, given = note["total"], sum(ways.values()) + sum(one["amount_refunded"] for one in linked)
    if given != total:
        raise invalid(
            f"The sum of credit amount, refund amount and out of band amount ({given}) must equal the credit "
            f"note amount ({total}).",
            param="amount",
        )
    if total > invoice["amount_paid"] - invoice["post_payment_credit_notes_amount"]:
        raise invalid("The credit note's amount is more than what was paid of the invoice.", param="amount")
    note.update(
        type="post_payment",
        post_payment_amount=total,
        pre_payment_amount=0,
        out_of_band_amount=ways["out_of_band_amount"] or None,
        refunds=linked,
    )
    invoice["post_payment_credit_notes_amount"] += total
    if ways["refund_amount"]:
        refund = _refund(tx, invoice, ways["refund_amount"])
        note["refunds"] = [*linked, _link(refund["id"], refund["amount"])]
    if ways["credit_amount"]:
        customer = tx.require("customer", invoice["customer"])
        before = {"balance": customer["balance"]}
        moved = balances.move(
            tx,
            customer,
            -ways["credit_amount"],
            note["currency"],
            "credit_note",
            invoice=invoice["id"],
            credit_note=note["id"],
        )
        note["customer_balance_transaction"] = moved["id"]
        tx.emit("customer.updated", customer, before)


def _linked(tx: Tx, invoice: Obj) -> list[Obj]:
    """Refunds that were made before, of a payment of this invoice, each at most up to its amount over all notes."""
    intents = {bond["payment"].get("payment_intent") for bond in bonds(tx, invoice["id"]) if bond["status"] == "paid"}
    links: list[Obj] = []
    for wish in hashes_of(tx.params, "refunds"):
        allow(wish, "amount_refunded", "refund", "type")
        refund = tx.require("refund", str(wish.get("refund")), param="refunds[refund]")
        amount = integer(wish, "amount_refunded", least=1) or refund["amount"]
        if refund["payment_intent"] not in intents:
            raise invalid("The refund is not of a payment of this invoice.", param="refunds[refund]")
        notes = [*links, *(one for note in tx.find("credit_note", invoice=invoice["id"]) for one in note["refunds"])]
        if amount + sum(one["amount_refunded"] for one in notes if one["refund"] == refund["id"]) > refund["amount"]:
            raise invalid("The refund's amount is already on credit notes.", param="refunds[amount_refunded]")
        links.append(_link(refund["id"], amount))
    return links


def _link(refund_id: str, amount: int) -> Obj:
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund_id, "type": "refund"}


def _less_is_due(tx: Tx, invoice: Obj) -> None:
    before = {name: invoice[name] for name in ("amount_due", "amount_remaining")}
    totals.count_due(invoice)
    if invoice["amount_remaining"] == 0:
        collecting.settle(tx, invoice)
        return
    tx.put(invoice)
    _ask_for(tx, invoice)
    tx.emit("invoice.updated", invoice, before)


def _ask_for(tx: Tx, invoice: Obj) -> None:
    """The PaymentIntent that waits asks for what is due now."""
    for bond in bonds(tx, invoice["id"]):
        intent = tx.get("payment_intent", bond["payment"].get("payment_intent") or "", lock=True)
        if bond["status"] == "open" and intent and intent["status"] in BEFORE_PAYMENT:
            tx.put({**intent, "amount": invoice["amount_remaining"]})
            tx.put({**bond, "amount_requested": invoice["amount_remaining"]})


def _refund(tx: Tx, invoice: Obj, amount: int) -> Obj:
    for bond in bonds(tx, invoice["id"]):
        if bond["status"] == "paid" and bond["payment"].get("payment_intent"):
            kept, tx.params = tx.params, {"payment_intent": bond["payment"]["payment_intent"], "amount": str(amount)}
            try:
                return refunds.create(tx)
            finally:
                tx.params = kept
    raise invalid("There is no payment of this invoice that could be refunded.", param="refund_amount")


def _blank(tx: Tx, invoice: Obj, number: str) -> Obj:
    if text(tx.params, "invoice") is None:
        raise missing("invoice")
    note_id = tx.new_id("cn_")
    return {
        "id": note_id,
        "object": "credit_note",
        "amount": 0,
        "amount_shipping": 0,
        "created": tx.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": moment(tx.params, "effective_at") or tx.now,
        "invoice": invoice["id"],
        "livemode": False,
        "memo": text(tx.params, "memo"),
        "metadata": metadata(tx.params),
        "number": number,
        "out_of_band_amount": None,
        "pdf": tx.page(f"/credit_note/{note_id}/pdf"),
        "pretax_credit_amounts": [],
        "reason": choice(tx.params, "reason", REASONS),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "voided_at": None,
    }
