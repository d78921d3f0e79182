"""What is being bought: the line items of Checkout Sessions and payment links."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.sandbox.billing.pricing import amount as price_amount
from app.sandbox.billing.pricing import rounded, share
from app.sandbox.errors import invalid, missing
from app.sandbox.lists import RawJson
from app.sandbox.params import Obj, allow, boolean, hash_of, integer, metadata
from app.sandbox.resources.inside import call
from app.sandbox.tx import Tx

MOST = 100


def read(tx: Tx, given: list[Any]) -> list[Obj]:
    """Line items of a request, each with its price in full. `price_data` makes a price that nobody else can use."""
    if len(given) > MOST:
        raise invalid(f"You may only have up to {MOST} line items.", param="line_items")
    return [_line(tx, one, f"line_items[{number}]") for number, one in enumerate(given)]


def single_currency(lines: list[Obj]) -> str:
    currencies = sorted({line["currency"] for line in lines})
    if len(currencies) > 1:
        raise invalid("All prices on a Checkout Session must use the same currency.", param="line_items")
    return str(currencies[0])


def discounted(lines: list[Obj], coupon: Obj | None) -> None:
    """Take a coupon off: a percentage of each line, or a sum shared out over all of them to the last cent."""
    whole = sum(line["amount_subtotal"] for line in lines)
    rest = min((coupon or {}).get("amount_off") or 0, whole)
    for line in lines:
        amount = line["amount_subtotal"]
        if coupon and coupon["percent_off"]:
            line["amount_discount"] = rounded(amount * Decimal(str(coupon["percent_off"])) / 100)
        elif rest:
            line["amount_discount"] = share(rest, amount, whole)
            rest, whole = rest - line["amount_discount"], whole - amount
        line["amount_total"] = amount - line["amount_discount"]


def count(session: Obj, lines: list[Obj]) -> None:
    """Write the sums of the lines into the session."""
    session.update(
        amount_subtotal=sum(line["amount_subtotal"] for line in lines),
        amount_total=sum(line["amount_total"] for line in lines),
        total_details={
            "amount_discount": sum(line["amount_discount"] for line in lines),
            "amount_shipping": 0,
            "amount_tax": 0,
        },
    )


def as_list(tx: Tx, lines: list[Obj], url: str) -> Obj | RawJson:
    """A page of line items, in the order of the bill."""
    limit = min(max(integer(tx.params, "limit") or 10, 1), 100)
    after = tx.params.get("starting_after")
    start = next((place + 1 for place, line in enumerate(lines) if line["id"] == after), 0) if after else 0
    return first_page(lines[start:], url, limit)


def first_page(lines: list[Obj], url: str, limit: int = 10) -> Obj:
    return {"object": "list", "data": lines[:limit], "has_more": len(lines) > limit, "url": url}


def _line(tx: Tx, given: Any, param: str) -> Obj:
    if not isinstance(given, Mapping):
        raise invalid("Invalid object", param=param)
    allow(given, "price", "price_data", "quantity", "adjustable_quantity", "metadata", "tax_rates", "dynamic_tax_rates")
    price = _price(tx, given, param)
    quantity = integer(given, "quantity", least=0)
    metered = (price["recurring"] or {}).get("usage_type") == "metered"
    if quantity is None and not metered:
        raise missing(f"{param}[quantity]")
    quantity = 1 if quantity is None else quantity
    product = tx.get("product", price["product"])
    subtotal = 0 if metered else price_amount(price, quantity)  # what is used is paid later
    return {
        "id": tx.new_id("li_"),
        "object": "item",
        "adjustable_quantity": _adjustable(hash_of(given, "adjustable_quantity")),
        "amount_discount": 0,
        "amount_subtotal": subtotal,
        "amount_tax": 0,
        "amount_total": subtotal,
        "currency": price["currency"],
        "description": (product or {}).get("name") or price["nickname"] or price["id"],
        "metadata": metadata(given),
        "price": price,
        "quantity": quantity,
    }


def _price(tx: Tx, given: Mapping[str, Any], param: str) -> Obj:
    data = hash_of(given, "price_data")
    if data and given.get("price"):
        raise invalid("You may only specify one of these parameters: price, price_data.", param=param)
    if data:
        return _own_price(tx, data)
    if not given.get("price"):
        raise missing(f"{param}[price]")
    price = tx.require("price", str(given["price"]), param=f"{param}[price]", lock=False)
    if not price["active"]:
        raise invalid(
            f"The price specified is inactive. This field only accepts active prices: {price['id']}.", param=param
        )
    return price


def _own_price(tx: Tx, data: Mapping[str, Any]) -> Obj:
    product = data.get("product")
    about = dict(hash_of(data, "product_data"))
    if about:
        about.pop("tax_details", None)
        product = call(tx, "POST", "/v1/products", about)["id"]
    if not product:
        raise missing("line_items[0][price_data][product_data]")
    wanted = {name: value for name, value in data.items() if name not in ("product", "product_data")}
    return call(tx, "POST", "/v1/prices", {**wanted, "product": product, "active": "false"})


def _adjustable(given: Mapping[str, Any]) -> Obj | None:
    if not given:
        return None
    return {
        "enabled": boolean(given, "enabled") is True,
        "maximum": integer(given, "maximum", least=1),
        "minimum": integer(given, "minimum", least=0),
    }
