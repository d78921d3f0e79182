"""Discounts: a coupon redeemed for a subscription, an item or an invoice, and what it takes off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.sandbox.billing.periods import add
from app.sandbox.billing.pricing import rounded, share
from app.sandbox.errors import invalid, no_such
from app.sandbox.params import Obj, allow, list_of, text
from app.sandbox.resources.coupons import redeem
from app.sandbox.tx import Tx


def given(tx: Tx, params: Mapping[str, Any], customer: Obj, old: Sequence[str] = (), **belongs: str) -> list[str]:
    """The ids of the discounts that `discounts` asks for: each by coupon, promotion code, or one that is there already.

    `belongs` names what they are for: subscription=…, invoice=…, invoice_item=…, subscription_item=….
    """
    if params.get("discounts") == "":
        return []
    if "discounts" not in params:
        return list(old)
    return [_one(tx, wish, customer, belongs) for wish in list_of(params, "discounts")]


def current(tx: Tx, ids: Sequence[str], at: int) -> list[Obj]:
    """Those discounts that still hold."""
    found = [tx.get("discount", one) for one in ids]
    return [one for one in found if one and (one["end"] is None or one["end"] > at)]


def of_customer(customer: Obj, at: int) -> list[Obj]:
    discount = customer.get("discount")
    return [discount] if discount and (discount["end"] is None or discount["end"] > at) else []


def taken_off(tx: Tx, discounts: Sequence[Obj], amounts: Sequence[int], currency: str) -> list[list[Obj]]:
    """For each amount (of one currency) the `discount_amounts`; one discount after the other on what is left."""
    left = list(amounts)
    found: list[list[Obj]] = [[] for _ in amounts]
    for discount in discounts:
        coupon = tx.get("coupon", discount["source"]["coupon"])
        if coupon is None:
            continue
        for number, off in enumerate(_parts(coupon, left, currency)):
            left[number] -= off
            found[number].append({"amount": off, "discount": discount["id"]})
    return found


def factor(tx: Tx, discounts: Sequence[Obj]) -> Decimal:
    """What the percentages leave of an amount; prorations are counted with it."""
    left = Decimal(1)
    for discount in discounts:
        coupon = tx.get("coupon", discount["source"]["coupon"])
        if coupon and coupon["percent_off"]:
            left *= 1 - Decimal(str(coupon["percent_off"])) / 100
    return left


def use_up(tx: Tx, ids: Sequence[str]) -> list[str]:
    """After an invoice: what was for once is over."""
    left = []
    for one in ids:
        discount = tx.get("discount", one)
        coupon = tx.get("coupon", discount["source"]["coupon"]) if discount else None
        if coupon is None or coupon["duration"] != "once":
            left.append(one)
    return left


def _parts(coupon: Obj, amounts: Sequence[int], currency: str) -> list[int]:
    """A percentage of each, or a sum shared out over all by size, to the last cent."""
    if coupon["percent_off"]:
        percent = Decimal(str(coupon["percent_off"]))
        return [rounded(max(amount, 0) * percent / 100) for amount in amounts]
    whole = sum(max(amount, 0) for amount in amounts)
    if coupon["currency"] != currency or not whole:
        return [0 for _ in amounts]
    rest, parts = min(coupon["amount_off"], whole), []
    for amount in amounts:
        part = share(rest, max(amount, 0), whole) if whole else 0
        parts.append(part)
        rest, whole = rest - part, whole - max(amount, 0)
    return parts


def _one(tx: Tx, wish: Any, customer: Obj, belongs: Mapping[str, str]) -> str:
    if not isinstance(wish, dict):
        raise invalid("Invalid object", param="discounts")
    allow(wish, "coupon", "discount", "promotion_code", "discount_end")
    kept, code, coupon_id = (text(wish, name) for name in ("discount", "promotion_code", "coupon"))
    if kept:
        found = tx.get("discount", kept)
        if found is None:
            raise no_such("discount", kept, param="discounts", status=400)
        return kept
    promotion = _promotion(tx, code, customer) if code else None
    if promotion:
        coupon_id = promotion["promotion"]["coupon"]
    if coupon_id is None:
        raise invalid("You must provide one of coupon, discount or promotion_code.", param="discounts")
    coupon = redeem(tx, coupon_id)
    months = coupon["duration_in_months"] if coupon["duration"] == "repeating" else None
    discount = {
        "id": tx.new_id("di_"),
        "object": "discount",
        "checkout_session": None,
        "customer": customer["id"],
        "customer_account": None,
        "end": add(tx.now, "month", months) if months else None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": promotion["id"] if promotion else None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": tx.now,
        "subscription": None,
        "subscription_item": None,
        **belongs,
    }
    tx.put(discount)
    if discount["subscription"]:
        tx.emit("customer.discount.created", discount)
    return str(discount["id"])


def _promotion(tx: Tx, code_id: str, customer: Obj) -> Obj:
    found = tx.get("promotion_code", code_id, lock=True)
    if found is None:
        raise no_such("promotion code", code_id, param="promotion_code", status=400)
    most = found["max_redemptions"]
    over = found["expires_at"] is not None and found["expires_at"] <= tx.now
    if not found["active"] or over or (most is not None and found["times_redeemed"] >= most):
        raise invalid("This promotion code has expired or was used too often.", param="promotion_code")
    if found["customer"] not in (None, customer["id"]):
        raise invalid("This promotion code belongs to another customer.", param="promotion_code")
    found["times_redeemed"] += 1
    tx.put(found)
    return found
