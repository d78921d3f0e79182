"""Invoice lines: what one line looks like, and how an invoice holds all of its own.

An invoice shows its first ten lines; every line is kept by itself as well, for `GET /v1/invoices/{id}/lines`.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.sandbox.billing.tax_rates import taxes
from app.sandbox.params import Obj
from app.sandbox.tx import Tx

SHOWN = 10


def line(  # noqa: PLR0913 - the columns of an invoice
    tx: Tx,
    *,
    amount: int,
    currency: str,
    description: str | None,
    period: tuple[int, int],
    quantity: int | None = 1,
    price: Obj | None = None,
    unit: str | None = None,
    parent: Obj | None = None,
    subscription: str | None = None,
    discountable: bool = True,
    discounts: Sequence[str] = (),
    rates: Sequence[Obj] = (),
    metadata: dict[str, str] | None = None,
) -> Obj:
    """One line, not yet on an invoice. `unit` is the price of one in minor units, as text."""
    return {
        "id": tx.new_id("il_"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": [],
        "discountable": discountable,
        "discounts": list(discounts),
        "invoice": None,
        "livemode": False,
        "metadata": dict(metadata or {}),
        "parent": parent,
        "period": {"end": period[1], "start": period[0]},
        "pretax_credit_amounts": [],
        "pricing": pricing(price, unit),
        "quantity": quantity,
        "quantity_decimal": None if quantity is None else str(quantity),
        "subscription": subscription,
        "subtotal": amount,
        "taxes": taxes(amount, rates),
    }


def pricing(price: Obj | None, unit: str | None = None) -> Obj | None:
    if price is None and unit is None:
        return None
    found: Obj = {
        "type": "price_details",
        "unit_amount_decimal": unit if price is None else price["unit_amount_decimal"],
    }
    if price is not None:
        found["price_details"] = {"price": price["id"], "product": price["product"]}
    return found


def of_item(tx: Tx, item: Obj, rates: Sequence[Obj]) -> Obj:
    """The line of a pending invoice item."""
    details = (item["parent"] or {}).get("subscription_details") or {}
    return {
        **line(
            tx,
            amount=item["amount"],
            currency=item["currency"],
            description=item["description"],
            period=(item["period"]["start"], item["period"]["end"]),
            quantity=item["quantity"],
            subscription=None,
            discountable=item["discountable"],
            discounts=item["discounts"] or (),
            rates=rates,
            metadata=item["metadata"],
        ),
        "parent": {
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": item["proration"],
                "proration_details": {"credited_items": None},
                "subscription": details.get("subscription"),
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        "pricing": item["pricing"],
    }


def of_subscription_item(subscription: str, item: str) -> Obj:
    """`line.parent` of a period of a subscription item."""
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription,
            "subscription_item": item,
        },
        "type": "subscription_item_details",
    }


def all_of(tx: Tx, invoice: Obj) -> list[Obj]:
    """Every line of the invoice, in the order it is shown."""
    shown: list[Obj] = invoice["lines"]["data"]
    if not invoice["lines"]["has_more"]:
        return shown
    return tx.find("line_item", invoice=invoice["id"], limit=10_000)


def show(invoice: Obj, every: Sequence[Obj]) -> None:
    """Put the first lines into the invoice."""
    for one in every:
        one["invoice"] = invoice["id"]
    invoice["lines"] = {
        "object": "list",
        "data": list(every[:SHOWN]),
        "has_more": len(every) > SHOWN,
        "url": f"/v1/invoices/{invoice['id']}/lines",
    }


def keep(tx: Tx, every: Sequence[Obj]) -> None:
    """Store each line; what is shown first is written last, because lists show the newest first."""
    for one in reversed(every):
        tx.put(one)
