"""The lines of a credit note: parts of the invoice's lines, or amounts of its own."""

from __future__ import annotations

from typing import Any

from app.sandbox.billing import lines as invoice_lines
from app.sandbox.billing.pricing import share, unit_amounts
from app.sandbox.billing.tax_rates import rates, taxes
from app.sandbox.errors import invalid, missing, no_such
from app.sandbox.params import Obj, allow, choice, integer, list_of, metadata, text
from app.sandbox.tx import Tx

SHOWN = 10


def asked_for(tx: Tx, invoice: Obj, note: Obj) -> list[Obj]:
    """One line for each of `lines`, or one for `amount`."""
    wishes = list_of(tx.params, "lines")
    amount = integer(tx.params, "amount", least=1)
    if wishes:
        return [_line(tx, invoice, wish) for wish in wishes]
    if amount is None:
        given = [integer(tx.params, name) for name in ("refund_amount", "credit_amount", "out_of_band_amount")]
        amount = sum(one or 0 for one in given)
    if not amount:
        raise missing("amount")
    return [_blank(tx, amount, type="custom_line_item", description=note["memo"], unit=amount)]


def add_up(note: Obj, every: list[Obj]) -> None:
    """The sums of the note, from its lines."""
    subtotal = sum(one["amount"] for one in every)
    cut = sum(one["discount_amount"] for one in every)
    added = sum(tax["amount"] for one in every for tax in one["taxes"] if tax["tax_behavior"] == "exclusive")
    inside = sum(tax["amount"] for one in every for tax in one["taxes"] if tax["tax_behavior"] == "inclusive")
    total = subtotal - cut + added
    note.update(
        amount=total,
        discount_amount=cut,
        discount_amounts=[part for one in every for part in one["discount_amounts"]],
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - inside,
        total=total,
        total_excluding_tax=total - added - inside,
        total_taxes=[tax for one in every for tax in one["taxes"]],
        lines={
            "object": "list",
            "data": every[:SHOWN],
            "has_more": len(every) > SHOWN,
            "url": f"/v1/credit_notes/{note['id']}/lines",
        },
    )


def keep(tx: Tx, note: Obj, every: list[Obj]) -> None:
    """All of them in one place: nothing in a line says which note it belongs to."""
    tx.put({"object": "sandbox.credit_note_lines", "id": note["id"], "lines": every})


def page(tx: Tx, note_id: str) -> Obj:
    """`GET /v1/credit_notes/{id}/lines`"""
    every: list[Obj] = (tx.get("sandbox.credit_note_lines", note_id) or {"lines": []})["lines"]
    limit = min(max(integer(tx.params, "limit") or 10, 1), 100)
    ids = [one["id"] for one in every]
    after = text(tx.params, "starting_after")
    start = ids.index(after) + 1 if after in ids else 0
    data = every[start : start + limit]
    url = f"/v1/credit_notes/{note_id}/lines"
    return {"object": "list", "data": data, "has_more": start + limit < len(every), "url": url}


def _line(tx: Tx, invoice: Obj, wish: Any) -> Obj:
    if not isinstance(wish, dict):
        raise invalid("Invalid object", param="lines")
    allow(
        wish, "amount", "description", "invoice_line_item", "metadata", "quantity", "tax_amounts", "tax_rates", "type",
        "unit_amount", "unit_amount_decimal",
    )  # fmt: skip
    kind = choice(wish, "type", ("custom_line_item", "invoice_line_item"))
    if kind is None:
        raise missing("lines[type]")
    line = _custom(tx, wish) if kind == "custom_line_item" else _of_invoice(tx, invoice, wish)
    line["metadata"] = metadata(wish)
    return line


def _custom(tx: Tx, wish: Obj) -> Obj:
    unit, exact = unit_amounts(wish, "unit_amount", "unit_amount_decimal")
    if unit is None:
        raise missing("lines[unit_amount]")
    quantity = integer(wish, "quantity", least=1) or 1
    wanted = rates(tx, wish.get("tax_rates"), "lines[tax_rates]")
    line = _blank(
        tx,
        unit * quantity,
        type="custom_line_item",
        description=text(wish, "description"),
        unit=unit,
        quantity=quantity,
    )
    return {**line, "unit_amount_decimal": exact, "tax_rates": wanted, "taxes": taxes(line["amount"], wanted)}


def _of_invoice(tx: Tx, invoice: Obj, wish: Obj) -> Obj:
    """So many of the line's pieces, or so much of its amount; discounts and taxes in proportion."""
    named = text(wish, "invoice_line_item")
    found = next((one for one in invoice_lines.all_of(tx, invoice) if one["id"] == named), None)
    if found is None:
        raise no_such("invoice line item", str(named), param="lines[invoice_line_item]", status=400)
    quantity, amount = integer(wish, "quantity", least=1), integer(wish, "amount", least=1)
    if amount is None:
        amount = share(found["amount"], quantity or 1, found["quantity"] or 1) if quantity else found["amount"]
    if amount > found["amount"]:
        raise invalid("You cannot credit more than the line's amount.", param="lines[amount]")
    off = [{**part, "amount": share(part["amount"], amount, found["amount"])} for part in found["discount_amounts"]]
    line = _blank(
        tx, amount, type="invoice_line_item", description=found["description"], quantity=quantity or found["quantity"]
    )
    return {
        **line,
        "discount_amount": sum(part["amount"] for part in off),
        "discount_amounts": off,
        "invoice_line_item": named,
        "taxes": [
            {
                **tax,
                "amount": share(tax["amount"], amount, found["amount"]),
                "taxable_amount": share(tax["taxable_amount"], amount, found["amount"]),
            }
            for tax in found["taxes"]
        ],
    }


def _blank(  # noqa: PLR0913
    tx: Tx,
    amount: int,
    *,
    type: str,  # noqa: A002 - Stripe's own word
    description: str | None,
    unit: int | None = None,
    quantity: int | None = 1,
) -> Obj:
    return {
        "id": tx.new_id("cnli_"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": description,
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": [],
        "type": type,
        "unit_amount": unit,
        "unit_amount_decimal": None if unit is None else str(unit),
    }
