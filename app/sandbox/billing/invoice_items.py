"""Invoice items: what waits for a customer's next invoice, or stands on a draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.billing import discounts, lines, tax_rates
from app.sandbox.billing.clocks import customer_in_time, enter
from app.sandbox.billing.prices import inline, the_price
from app.sandbox.billing.pricing import amount as price_amount
from app.sandbox.billing.pricing import decimal, rounded
from app.sandbox.errors import invalid, missing
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow, boolean, hash_of, integer, metadata, text, to_moment
from app.sandbox.resources.currencies import known_currency
from app.sandbox.routes import route
from app.sandbox.tx import Tx

WORTH = ("amount", "unit_amount_decimal", "price", "price_data", "pricing", "quantity", "quantity_decimal")
CHANGEABLE = (
    *WORTH, "description", "discountable", "discounts", "metadata", "period", "tax_behavior", "tax_code", "tax_rates",
)  # fmt: skip


@route("POST", "/v1/invoiceitems")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(params, *CHANGEABLE, "currency", "customer", "customer_account", "invoice", "subscription")
    named = text(params, "customer")
    if named is None:
        raise missing("customer")
    customer = customer_in_time(tx, named)
    item = build(tx, params, customer)
    if params.get("subscription"):
        found = tx.require("subscription", str(params["subscription"]), param="subscription", lock=False)
        item["parent"] = of_subscription(found["id"], None)
    if params.get("invoice"):
        join(tx, item, str(params["invoice"]), customer)
    tx.put(item)
    tx.emit("invoiceitem.created", item)
    return item


@route("GET", "/v1/invoiceitems")
def all_items(tx: Tx) -> Obj | RawJson:
    where: list[tuple[str, Any]] = []
    pending = boolean(tx.params, "pending")
    if pending is not None:
        where.append(("(invoice IS NULL) = %s", pending))
    return list_page(tx, "invoiceitem", where=where, also=("pending",))


@route("POST", "/v1/invoiceitems/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(params, *CHANGEABLE)
    item = tx.require("invoiceitem", id)
    enter(tx, item)
    if item["invoice"]:
        _on_draft(tx, item)
    customer = tx.require("customer", item["customer"], lock=False)
    if any(name in params for name in WORTH):
        item.update(_worth(tx, {"currency": item["currency"], **_kept(item), **params}))
    _describe(tx, params, item, customer)
    tx.put(item)
    if item["invoice"]:
        _follow(tx, item, gone=False)
    return item  # Stripe has no event for this


@route("DELETE", "/v1/invoiceitems/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Also takes it off the draft it stands on; what is on a finalized invoice stays."""
    allow(tx.params)
    item = tx.require("invoiceitem", id)
    enter(tx, item)
    if item["invoice"]:
        _on_draft(tx, item)
        _follow(tx, item, gone=True)
    tx.remove("invoiceitem", id)
    tx.emit("invoiceitem.deleted", item)
    return {"id": id, "object": "invoiceitem", "deleted": True}


def build(tx: Tx, given: Mapping[str, Any], customer: Obj) -> Obj:
    """A new item for a customer, not yet stored and on no invoice."""
    worth = _worth(tx, given)
    item: Obj = {
        "id": tx.new_id("ii_"),
        "object": "invoiceitem",
        "customer": customer["id"],
        "customer_account": None,
        "date": tx.now,
        "description": None,
        "discountable": worth["amount"] >= 0,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": worth["amount"],
        "parent": None,
        "period": {"end": tx.now, "start": tx.now},
        "proration": False,
        "tax_rates": [],
        "test_clock": customer["test_clock"],
        **worth,
    }
    _describe(tx, given, item, customer)
    return item


def of_subscription(subscription: str, item: str | None) -> Obj:
    """`invoiceitem.parent`"""
    return {
        "subscription_details": {"subscription": subscription, "subscription_item": item},
        "type": "subscription_details",
    }


def pending(tx: Tx, customer_id: str, currency: str | None, *, subscription: str | None = None) -> list[Obj]:
    """Items that wait, newest first: all of the customer's, or those a subscription's invoice takes along."""
    found = tx.find("invoiceitem", customer=customer_id)
    return [
        item
        for item in found
        if item["invoice"] is None
        and (currency is None or item["currency"] == currency)
        and (subscription is None or _subscription_of(item) in (None, subscription))
    ]


def take(tx: Tx, invoice: Obj, items: list[Obj]) -> list[Obj]:
    """Put waiting items onto a draft: their lines."""
    default = tax_rates.rates(tx, [rate["id"] for rate in invoice["default_tax_rates"]], "default_tax_rates")
    made = []
    for item in items:
        tx.put({**item, "invoice": invoice["id"]})
        made.append(lines.of_item(tx, item, item["tax_rates"] or default))
    return made


def join(tx: Tx, item: Obj, invoice_id: str, customer: Obj) -> None:
    """Onto a draft at once."""
    from app.sandbox.billing.invoice_steps import check_draft, store

    invoice = tx.require("invoice", invoice_id, param="invoice")
    check_draft(invoice)
    if invoice["customer"] != customer["id"] or invoice["currency"] != item["currency"]:
        raise invalid("The invoice belongs to another customer or has another currency.", param="invoice")
    every = lines.all_of(tx, invoice)
    item["invoice"] = invoice_id
    store(tx, invoice, [*take(tx, invoice, [item]), *every])


def _worth(tx: Tx, given: Mapping[str, Any]) -> Obj:
    """Amount, currency, quantity and pricing from an amount, a price or an ad-hoc price."""
    count = text(given, "quantity_decimal") or text(given, "quantity") or "1"
    exact = decimal(count, "quantity")
    quantity = int(exact)
    price_id = text(hash_of(given, "pricing"), "price") or text(given, "price")
    worth: Obj = {"quantity": quantity, "quantity_decimal": format(exact.normalize(), "f")}
    if price_id or hash_of(given, "price_data"):
        price = the_price(tx, price_id, "pricing[price]") if price_id else inline(tx, given, "")
        if price["type"] == "recurring":
            raise invalid(
                "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
                param="pricing[price]",
            )
        return worth | {
            "amount": price_amount(price, quantity),
            "currency": price["currency"],
            "pricing": lines.pricing(price),
        }
    if not given.get("currency"):
        raise missing("currency")
    currency = known_currency(str(given["currency"]))
    if given.get("unit_amount_decimal"):
        unit = decimal(given["unit_amount_decimal"], "unit_amount_decimal")
        amount = rounded(unit * exact)
        return worth | {
            "amount": amount,
            "currency": currency,
            "pricing": lines.pricing(None, format(unit.normalize(), "f")),
        }
    amount = integer(given, "amount") or 0
    return worth | {"amount": amount, "currency": currency, "pricing": lines.pricing(None, str(amount))}


def _kept(item: Obj) -> Obj:
    """What an update does not speak of stays."""
    details = (item["pricing"] or {}).get("price_details")
    kept = {"price": details["price"]} if details else {"amount": str(item["amount"])}
    return kept | {"quantity": str(item["quantity"])}


def _describe(tx: Tx, given: Mapping[str, Any], item: Obj, customer: Obj) -> None:
    if "description" in given:
        item["description"] = text(given, "description")
    if item["description"] is None and (item["pricing"] or {}).get("price_details"):
        product = tx.get("product", item["pricing"]["price_details"]["product"])
        item["description"] = product["name"] if product else None
    if "discountable" in given:
        item["discountable"] = boolean(given, "discountable") is not False
    item["discounts"] = discounts.given(tx, given, customer, item["discounts"], invoice_item=item["id"])
    if "tax_rates" in given:
        item["tax_rates"] = tax_rates.rates(tx, given.get("tax_rates"), "tax_rates")
    span = hash_of(given, "period")
    if span:
        item["period"] = {name: to_moment(span.get(name), f"period[{name}]") for name in ("end", "start")}
    item["metadata"] = metadata(given, item["metadata"])
    item["net_amount"] = item["amount"]


def _on_draft(tx: Tx, item: Obj) -> None:
    invoice = tx.get("invoice", item["invoice"])
    if invoice is not None and invoice["status"] != "draft":
        raise invalid("This invoice item is attached to a finalized invoice and can no longer be changed.")


def _follow(tx: Tx, item: Obj, *, gone: bool) -> None:
    """The line on the draft changes or goes with its item."""
    from app.sandbox.billing.invoice_steps import store

    invoice = tx.require("invoice", item["invoice"])
    default = tax_rates.rates(tx, [rate["id"] for rate in invoice["default_tax_rates"]], "default_tax_rates")
    every = []
    for one in lines.all_of(tx, invoice):
        details = (one["parent"] or {}).get("invoice_item_details") or {}
        if details.get("invoice_item") != item["id"]:
            every.append(one)
        elif gone:
            tx.remove("line_item", one["id"])
        else:
            every.append({**lines.of_item(tx, item, item["tax_rates"] or default), "id": one["id"]})
    store(tx, invoice, every)


def _subscription_of(item: Obj) -> str | None:
    details = (item["parent"] or {}).get("subscription_details") or {}
    found = details.get("subscription")
    return None if found is None else str(found)
