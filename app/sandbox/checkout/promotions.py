"""Coupons and promotion codes at the counter: given by the shop, or typed by the customer."""

from __future__ import annotations

from app.sandbox.checkout import line_items
from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.params import Obj, Params, allow, hashes_of, text
from app.sandbox.tx import Tx


def given(tx: Tx, params: Params, session: Obj, currency: str) -> Obj | None:
    """The coupon that `discounts` of a request means, noted in the session."""
    wishes = hashes_of(params, "discounts")
    if not wishes:
        return None
    if len(wishes) > 1:
        raise invalid("You can only apply one discount to a Checkout Session.", param="discounts")
    if session["allow_promotion_codes"]:
        raise invalid("You may only specify one of these parameters: allow_promotion_codes, discounts.")
    allow(wishes[0], "coupon", "promotion_code")
    code, coupon_id = text(wishes[0], "promotion_code"), text(wishes[0], "coupon")
    promotion = tx.require("promotion_code", code, param="discounts[0][promotion_code]", lock=False) if code else None
    if promotion:
        coupon_id = str(promotion["promotion"]["coupon"])
    if coupon_id is None:
        raise missing("discounts[0][coupon]")
    coupon = tx.require("coupon", coupon_id, param="discounts[0][coupon]", lock=False)
    if promotion and not _is_open(tx, promotion, session):
        raise invalid(
            "This promotion code has expired, was used too often or belongs to another customer.", param="discounts"
        )
    if not coupon["valid"]:
        raise invalid(f"Coupon {coupon_id} has expired or was used too often.", param="discounts")
    if coupon["currency"] not in (None, currency):
        raise invalid(f"Coupon {coupon_id} is in {coupon['currency']}, the items are in {currency}.", param="discounts")
    session["discounts"] = [{"coupon": coupon_id, "promotion_code": code}]
    return coupon


def type_in(tx: Tx, session: Obj, code: str) -> None:
    """The customer typed a code: every amount of the open session is counted again."""
    if not session["allow_promotion_codes"] or session["payment_intent"] or session["subscription"]:
        raise invalid("Codes cannot be used here.", param="promotion")
    found = [one for one in tx.find("promotion_code", active=True) if one["code"].lower() == code.strip().lower()]
    promotion = found[0] if found else None
    coupon = tx.get("coupon", promotion["promotion"]["coupon"]) if promotion else None
    if promotion is None or coupon is None or not _holds(tx, promotion, coupon, session):
        raise StripeError("This code is not valid.", param="promotion")
    kept = tx.require("sandbox.session", session["id"])
    for line in kept["lines"]:
        line["amount_discount"] = 0
    line_items.discounted(kept["lines"], coupon)
    session["discounts"] = [{"coupon": coupon["id"], "promotion_code": promotion["id"]}]
    line_items.count(session, kept["lines"])
    tx.put(kept)
    tx.put(session)


def use_up(tx: Tx, session: Obj) -> None:
    """A one-time payment was made with it (a subscription redeems by itself)."""
    for one in session["discounts"] or []:
        coupon = tx.get("coupon", one["coupon"], lock=True)
        if coupon:
            tx.put({**coupon, "times_redeemed": coupon["times_redeemed"] + 1})
        promotion = tx.get("promotion_code", one["promotion_code"], lock=True) if one["promotion_code"] else None
        if promotion:
            tx.put({**promotion, "times_redeemed": promotion["times_redeemed"] + 1})


def _holds(tx: Tx, promotion: Obj, coupon: Obj, session: Obj) -> bool:
    if not _is_open(tx, promotion, session):
        return False
    if coupon["currency"] not in (None, session["currency"]) or not coupon["valid"]:
        return False
    least = promotion["restrictions"]["minimum_amount"]
    return least is None or session["amount_subtotal"] >= least


def _is_open(tx: Tx, promotion: Obj, session: Obj) -> bool:
    """May this customer use the code today?"""
    most, until = promotion["max_redemptions"], promotion["expires_at"]
    if not promotion["active"] or (most is not None and promotion["times_redeemed"] >= most):
        return False
    return (until is None or until > tx.now) and promotion["customer"] in (None, session["customer"])
