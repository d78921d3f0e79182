"""From a subscription to its invoices: the lines of its periods, the draft, and getting it paid."""

from __future__ import annotations

from collections.abc import Sequence

from app.sandbox.billing import (
    collecting,
    discounts,
    invoice_items,
    invoice_shapes,
    invoice_steps,
    lines,
    paying,
    periods,
)
from app.sandbox.billing.pricing import amount as price_amount
from app.sandbox.billing.pricing import share
from app.sandbox.errors import StripeError
from app.sandbox.params import Obj
from app.sandbox.tx import Tx


def period_line(tx: Tx, subscription: Obj, item: Obj, *, part: tuple[int, int] | None = None) -> Obj:
    """The line for an item's current period; `part` (so much, of so much) when only some of it is billed."""
    price = item["price"]
    quantity = item["quantity"]
    amount = price_amount(_whole_price(tx, price), quantity or 0)
    if part:
        amount = share(amount, *part)
    return lines.line(
        tx,
        amount=amount,
        currency=price["currency"],
        description=_description(tx, item, trial=False),
        period=(item["current_period_start"], item["current_period_end"]),
        quantity=quantity or 0,
        price=price,
        parent=lines.of_subscription_item(subscription["id"], item["id"]),
        subscription=subscription["id"],
        discounts=item["discounts"],
        rates=item["tax_rates"] or subscription["default_tax_rates"],
        metadata=subscription["metadata"],
    )


def trial_line(tx: Tx, subscription: Obj, item: Obj) -> Obj:
    """Nothing, for the time that is free."""
    return {
        **period_line(tx, subscription, item),
        "amount": 0,
        "subtotal": 0,
        "taxes": [],
        "description": _description(tx, item, trial=True),
    }


def draft(  # noqa: PLR0913
    tx: Tx,
    subscription: Obj,
    customer: Obj,
    reason: str,
    own: Sequence[Obj],
    *,
    period: tuple[int, int] | None = None,
) -> Obj:
    """A draft with these lines and everything that waits for this subscription; invoice.created."""
    invoice = invoice_shapes.blank(tx, customer, subscription["currency"], reason, period=period)
    active = discounts.current(tx, subscription["discounts"], tx.now) or discounts.of_customer(customer, tx.now)
    invoice.update(
        auto_advance=True,
        collection_method=subscription["collection_method"],
        default_tax_rates=subscription["default_tax_rates"],
        description=subscription["invoice_settings"]["description"],
        discounts=[one["id"] for one in active],
        footer=subscription["invoice_settings"]["footer"] or invoice["footer"],
        parent=invoice_shapes.of_subscription(subscription),
    )
    types = subscription["payment_settings"]["payment_method_types"]
    if isinstance(types, list):
        invoice["payment_settings"]["payment_method_types"] = types
    if subscription["days_until_due"] is not None:
        invoice["due_date"] = tx.now + subscription["days_until_due"] * periods.DAY
    waiting = invoice_items.pending(tx, customer["id"], subscription["currency"], subscription=subscription["id"])
    invoice_steps.store(tx, invoice, [*invoice_items.take(tx, invoice, waiting), *own])
    if subscription["discounts"]:
        subscription["discounts"] = discounts.use_up(tx, subscription["discounts"])
    tx.emit("invoice.created", invoice)
    return invoice


def finalize_later(tx: Tx, invoice: Obj) -> None:
    """A renewal can be looked at for an hour."""
    at = tx.now + invoice_steps.HOUR
    invoice["automatically_finalizes_at"] = at
    tx.put(invoice)
    tx.later(at, "invoice_finalizes", invoice=invoice["id"], when=at)


def bill_now(  # noqa: PLR0913
    tx: Tx, subscription: Obj, invoice: Obj, customer: Obj, *, off_session: bool, collect: bool = True
) -> StripeError | None:
    """Finalize at once and (an invoice sent by e-mail apart) take the money; the bank's refusal is returned."""
    if subscription["collection_method"] == "send_invoice":
        finalize_later(tx, invoice)
        return None
    invoice_steps.finalize(tx, invoice)
    if invoice["status"] != "open" or not collect:
        return None
    method = paying.of_invoice(tx, invoice, customer, subscription)
    if method is None:
        collecting.fail_without_method(tx, invoice)
        return None
    return collecting.collect(tx, invoice, method, off_session=off_session)


def name_of(tx: Tx, item: Obj) -> str:
    product = tx.get("product", item["price"]["product"])
    return str(product.get("name") or item["price"]["product"]) if product else str(item["price"]["product"])


def _whole_price(tx: Tx, price: Obj) -> Obj:
    """Items show prices without their tiers."""
    return price if price["billing_scheme"] != "tiered" else tx.require("price", price["id"], lock=False)


def _description(tx: Tx, item: Obj, *, trial: bool) -> str:
    """`2 × Tea (at $15.00 / month)`, `Trial period for Tea`."""
    from app.sandbox.resources.currencies import shown

    price = item["price"]
    if trial:
        return f"Trial period for {name_of(tx, item)}"
    every, count = price["recurring"]["interval"], price["recurring"]["interval_count"]
    often = every if count == 1 else f"every {count} {every}s"
    each = (
        f" (at {shown(price['unit_amount'], price['currency'])} / {often})" if price["unit_amount"] is not None else ""
    )
    return f"{item['quantity'] or 0} × {name_of(tx, item)}{each}"
