"""Prorations: credit for time that was paid and is not used, and the price of the time that remains.

They wait as invoice items for the next invoice. Shares are counted by the second, as Stripe does.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from app.sandbox.billing import discounts, invoice_items, lines
from app.sandbox.billing.periods import shown
from app.sandbox.billing.pricing import amount as price_amount
from app.sandbox.billing.pricing import rounded, share
from app.sandbox.errors import invalid
from app.sandbox.params import Obj, Params, moment
from app.sandbox.tx import Tx


def between(tx: Tx, subscription: Obj, old: Sequence[Obj], new: Sequence[Obj], at: int) -> list[Obj]:
    """Credit every item that changes or goes, charge every one that changes or comes, for the time from `at` on."""
    before = {one["id"]: one for one in old}
    after = {one["id"]: one for one in new}
    made = []
    for item_id, one in before.items():
        if item_id not in after or _worth(one) != _worth(after[item_id]):
            made += _write(tx, subscription, one, at, credit=True)
    for item_id, one in after.items():
        if item_id not in before or _worth(one) != _worth(before[item_id]):
            made += _write(tx, subscription, one, at, credit=False)
    return made


def since(params: Params, items: Sequence[Obj], now: int) -> int:
    """`proration_date`, or now: the moment from which a change counts. Only a period that runs can be shared out."""
    at = moment(params, "proration_date")
    if at is None:
        return now
    if not min(one["current_period_start"] for one in items) <= at <= max(one["current_period_end"] for one in items):
        raise invalid("`proration_date` must lie within the current billing period.", param="proration_date")
    return at


def credit_rest(tx: Tx, subscription: Obj, every: Sequence[Obj], at: int) -> list[Obj]:
    """Nothing more will be used of what was paid."""
    return [item for one in every for item in _write(tx, subscription, one, at, credit=True)]


def _worth(item: Obj) -> tuple[str, int | None]:
    return item["price"]["id"], item["quantity"]


def _write(tx: Tx, subscription: Obj, item: Obj, at: int, *, credit: bool) -> list[Obj]:
    from app.sandbox.billing.subscription_billing import name_of

    start, end = item["current_period_start"], item["current_period_end"]
    at = max(at, start)
    price = tx.get("price", item["price"]["id"]) or item["price"]
    whole = price_amount(price, item["quantity"] or 0)
    active = discounts.current(tx, subscription["discounts"], tx.now)
    if active:
        whole = rounded(Decimal(whole) * discounts.factor(tx, active))
    amount = share(whole, end - at, end - start) if end > at else 0
    if not amount:
        return []
    amount = -amount if credit else amount
    count = f"{item['quantity']} × " if item["quantity"] != 1 else ""
    word = "Unused" if credit else "Remaining"
    made = {
        "id": tx.new_id("ii_"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "customer_account": None,
        "date": tx.now,
        "description": f"{word} time on {count}{name_of(tx, item)} after {shown(at)}",
        "discountable": False,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": dict(subscription["metadata"]),
        "net_amount": amount,
        "parent": invoice_items.of_subscription(subscription["id"], item["id"]),
        "period": {"end": end, "start": at},
        "pricing": lines.pricing(item["price"]),
        "proration": True,
        "quantity": item["quantity"] or 0,
        "quantity_decimal": str(item["quantity"] or 0),
        "tax_rates": item["tax_rates"] or subscription["default_tax_rates"],
        "test_clock": subscription["test_clock"],
    }
    tx.put(made)
    tx.emit("invoiceitem.created", made)
    return [made]
