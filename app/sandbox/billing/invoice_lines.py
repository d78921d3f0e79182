"""The lines of a draft over the API, and the list of any invoice's lines."""

from __future__ import annotations

from typing import Any

from app.sandbox.billing import discounts, invoice_items, invoice_steps, lines
from app.sandbox.billing.invoices import the_invoice
from app.sandbox.billing.prices import the_price
from app.sandbox.billing.pricing import amount as price_amount
from app.sandbox.billing.tax_rates import rates, taxes
from app.sandbox.errors import invalid, no_such
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import (
    Obj,
    allow,
    boolean,
    hash_of,
    hashes_of,
    integer,
    metadata,
    need,
    text,
    to_moment,
)
from app.sandbox.routes import route
from app.sandbox.store import equals
from app.sandbox.tx import Tx


@route("GET", "/v1/invoices/{id}/lines")
def all_lines(tx: Tx, id: str) -> Obj | RawJson:  # noqa: A002
    tx.require("invoice", id, lock=False)
    return list_page(tx, "line_item", url=f"/v1/invoices/{id}/lines", where=[equals("invoice", id)])


@route("POST", "/v1/invoices/{id}/add_lines")
def add(tx: Tx, id: str) -> Obj:  # noqa: A002
    """New amounts, or items that wait; the newest stands first."""
    allow(tx.params, "lines", "invoice_metadata")
    need(tx.params, "lines")
    invoice = _draft(tx, id)
    every = lines.all_of(tx, invoice)
    for wish in hashes_of(tx.params, "lines"):
        every = [_added(tx, invoice, wish), *every]
    return _changed(tx, invoice, every)


@route("POST", "/v1/invoices/{id}/remove_lines")
def remove(tx: Tx, id: str) -> Obj:  # noqa: A002
    """`behavior`: delete the items behind the lines, or unassign them, so that they wait again."""
    allow(tx.params, "lines", "invoice_metadata")
    invoice = _draft(tx, id)
    every = {one["id"]: one for one in lines.all_of(tx, invoice)}
    for wish in hashes_of(tx.params, "lines"):
        one = every.pop(str(wish.get("id")), None)
        if one is None:
            raise no_such("invoice line item", str(wish.get("id")), param="lines", status=400)
        tx.remove("line_item", one["id"])
        item_id = ((one["parent"] or {}).get("invoice_item_details") or {}).get("invoice_item")
        if item_id and wish.get("behavior") == "unassign":
            tx.put({**tx.require("invoiceitem", item_id), "invoice": None})
        elif item_id:
            tx.remove("invoiceitem", item_id)
    return _changed(tx, invoice, list(every.values()))


@route("POST", "/v1/invoices/{id}/update_lines")
def update_many(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "lines", "invoice_metadata")
    invoice = _draft(tx, id)
    every = lines.all_of(tx, invoice)
    for wish in hashes_of(tx.params, "lines"):
        _rewrite(tx, _find(every, str(wish.get("id"))), {name: wish[name] for name in wish if name != "id"})
    return _changed(tx, invoice, every)


@route("POST", "/v1/invoices/{invoice}/lines/{id}")
def update(tx: Tx, invoice: str, id: str) -> Obj:  # noqa: A002
    draft = _draft(tx, invoice)
    every = lines.all_of(tx, draft)
    one = _find(every, id)
    _rewrite(tx, one, tx.params)
    _changed(tx, draft, every)
    return one


def _draft(tx: Tx, invoice_id: str) -> Obj:
    invoice = the_invoice(tx, invoice_id)
    invoice_steps.check_draft(invoice)
    return invoice


def _changed(tx: Tx, invoice: Obj, every: list[Obj]) -> Obj:
    before = {name: invoice[name] for name in ("amount_due", "amount_remaining", "lines", "subtotal", "total")}
    invoice["metadata"] = metadata({"metadata": tx.params.get("invoice_metadata")}, invoice["metadata"])
    invoice_steps.store(tx, invoice, every)
    tx.emit("invoice.updated", invoice, {name: old for name, old in before.items() if invoice[name] != old})
    return invoice


def _added(tx: Tx, invoice: Obj, wish: Obj) -> Obj:
    customer = tx.require("customer", invoice["customer"], lock=False)
    if wish.get("invoice_item"):
        item = tx.require("invoiceitem", str(wish["invoice_item"]), param="invoice_item")
        if item["invoice"] or item["customer"] != customer["id"]:
            raise invalid("This invoice item is already on an invoice or belongs to another customer.", param="lines")
    else:
        item = invoice_items.build(tx, {"currency": invoice["currency"], **wish}, customer)
    return invoice_items.take(tx, invoice, [item])[0]


def _find(every: list[Obj], line_id: str) -> Obj:
    for one in every:
        if one["id"] == line_id:
            return one
    raise no_such("invoice line item", line_id, param="line_item_id")


def _count_again(tx: Tx, one: Obj, wish: dict[str, Any]) -> None:
    """So many of the same or of another price: the amount follows. What has no price keeps its amount."""
    quantity = integer(wish, "quantity", least=0)
    quantity = one["quantity"] if quantity is None else quantity
    named = text(hash_of(wish, "pricing"), "price")
    details = (one["pricing"] or {}).get("price_details")
    price = the_price(tx, named, "pricing[price]") if named else tx.get("price", details["price"]) if details else None
    one.update(quantity=quantity, quantity_decimal=str(quantity))
    if price is None:
        return
    if price["currency"] != one["currency"]:
        raise invalid("The price has another currency than the invoice.", param="pricing[price]")
    one["amount"] = one["subtotal"] = price_amount(price, quantity)
    one["pricing"] = lines.pricing(price)


def _rewrite(tx: Tx, one: Obj, wish: dict[str, Any]) -> None:
    allow(
        wish, "amount", "description", "discountable", "discounts", "metadata", "period", "quantity", "tax_rates",
        "price_data", "pricing", "tax_amounts", "quantity_decimal",
    )  # fmt: skip
    if "amount" in wish:
        one["amount"] = one["subtotal"] = integer(wish, "amount") or 0
        one["pricing"] = lines.pricing(None, str(one["amount"]))
    elif "quantity" in wish or "pricing" in wish:
        _count_again(tx, one, wish)
    if "description" in wish:
        one["description"] = text(wish, "description")
    if "discountable" in wish:
        one["discountable"] = boolean(wish, "discountable") is not False
    if wish.get("discounts") == "":
        one["discounts"] = []
    elif "discounts" in wish:
        owner = {"id": (tx.get("invoice", one["invoice"]) or {}).get("customer")}
        one["discounts"] = discounts.given(tx, wish, owner)
    if "tax_rates" in wish:
        one["taxes"] = taxes(one["amount"], rates(tx, wish.get("tax_rates"), "tax_rates"))
    span = hash_of(wish, "period")
    if span:
        one["period"] = {name: to_moment(span.get(name), f"period[{name}]") for name in ("end", "start")}
    one["metadata"] = metadata(wish, one["metadata"])
