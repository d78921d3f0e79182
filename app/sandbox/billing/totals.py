"""The sums of an invoice, from its lines: discounts, taxes, balance, what is due. Minor units of its currency."""

from __future__ import annotations

from collections.abc import Sequence

from app.sandbox.billing import discounts as off
from app.sandbox.billing.tax_rates import taxes
from app.sandbox.params import Obj
from app.sandbox.tx import Tx


def add_up(tx: Tx, invoice: Obj, every: Sequence[Obj]) -> None:
    """Write discounts and taxes onto each line and all sums onto the invoice; lines and invoice are not stored."""
    _discount(tx, invoice, every)
    _tax(tx, every)
    subtotal = sum(one["amount"] for one in every)
    cut = sum(part["amount"] for one in every for part in one["discount_amounts"])
    added = _sum_taxes(every, "exclusive")
    inside = _sum_taxes(every, "inclusive")
    total = subtotal - cut + added
    invoice.update(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - inside,
        total=total,
        total_discount_amounts=_gathered(every),
        total_excluding_tax=total - added - inside,
        total_taxes=_gathered_taxes(every),
        total_pretax_credit_amounts=[
            {"amount": part["amount"], "discount": part["discount"], "type": "discount"} for part in _gathered(every)
        ],
    )
    count_due(invoice)


def count_due(invoice: Obj) -> None:
    """What is left to pay after the customer's balance, credit notes and payments."""
    if invoice["status"] == "draft" or invoice["ending_balance"] is None:
        used = applied_balance(invoice["total"], invoice["starting_balance"])
    else:
        used = invoice["ending_balance"] - invoice["starting_balance"]
    due = max(invoice["total"] - used, 0) - invoice["pre_payment_credit_notes_amount"]
    invoice["amount_due"] = max(due, 0)
    invoice["amount_remaining"] = max(invoice["amount_due"] - invoice["amount_paid"], 0)


def applied_balance(total: int, balance: int) -> int:
    """How much the customer's balance moves: credit (negative) is used up, a debt is collected with the invoice, and an
    invoice below zero becomes credit. `total - applied` is due."""
    if total < 0:
        return total
    if balance < 0:
        return min(-balance, total)
    return -balance if total > 0 else 0


def _discount(tx: Tx, invoice: Obj, every: Sequence[Obj]) -> None:
    able = [one for one in every if one["discountable"]]
    for one in every:
        one["discount_amounts"] = []
    for one in able:
        if one["discounts"]:
            own = off.current(tx, one["discounts"], invoice["created"])
            one["discount_amounts"] = off.taken_off(tx, own, [one["amount"]], invoice["currency"])[0]
    wide = off.current(tx, invoice["discounts"], invoice["created"]) if invoice["discounts"] else []
    if wide:
        left = [one["amount"] - sum(part["amount"] for part in one["discount_amounts"]) for one in able]
        for one, parts in zip(able, off.taken_off(tx, wide, left, invoice["currency"]), strict=True):
            one["discount_amounts"] += parts
    for one in every:
        one["pretax_credit_amounts"] = [
            {"amount": part["amount"], "discount": part["discount"], "type": "discount"}
            for part in one["discount_amounts"]
        ]


def _tax(tx: Tx, every: Sequence[Obj]) -> None:
    """The rates that stand on a line, counted again on what is left of its amount."""
    for one in every:
        if one["taxes"]:
            ids = [tax["tax_rate_details"]["tax_rate"] for tax in one["taxes"]]
            rates = [rate for rate in (tx.get("tax_rate", rate_id) for rate_id in ids) if rate]
            one["taxes"] = taxes(one["amount"] - sum(part["amount"] for part in one["discount_amounts"]), rates)


def _sum_taxes(every: Sequence[Obj], behaviour: str) -> int:
    return sum(tax["amount"] for one in every for tax in one["taxes"] if tax["tax_behavior"] == behaviour)


def _gathered(every: Sequence[Obj]) -> list[Obj]:
    sums: dict[str, int] = {}
    for one in every:
        for part in one["discount_amounts"]:
            sums[part["discount"]] = sums.get(part["discount"], 0) + part["amount"]
    return [{"amount": amount, "discount": discount} for discount, amount in sums.items()]


def _gathered_taxes(every: Sequence[Obj]) -> list[Obj]:
    found: dict[str, Obj] = {}
    for one in every:
        for tax in one["taxes"]:
            rate = tax["tax_rate_details"]["tax_rate"]
            if rate in found:
                found[rate]["amount"] += tax["amount"]
                found[rate]["taxable_amount"] += tax["taxable_amount"]
            else:
                found[rate] = dict(tax)
    return list(found.values())
