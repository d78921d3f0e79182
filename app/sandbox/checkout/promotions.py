"""Coupons and promotion codes at the counter: given by the shop, or typed by the customer."""

from __future__ import annotations

from collections.abc import Mapping

from app.sandbox.checkout import line_items
from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj, Params, list_of
from app.sandbox.tx import Tx


def given(tx: Tx, params: Params, session: Obj) -> Obj | None:
    """The coupon that `discounts` of a request means, noted in the session."""
    wishes = [dict(one) for one in list_of(params, "discounts") if isinstance(one, Mapping)]
    if not wishes:
        return None
    if len(wishes) > 1:
        raise invalid("You can only apply one discount to a Checkout Session.", param="discounts")
    if session["allow_promotion_codes"]:
        raise invalid("You may only specify one of these parameters: allow_promotion_codes, discounts.")
    code = wishes[0].get("promotion_code")
    if code:
        promotion = tx.require("promotion_code", str(code), param="discounts[0][promotion_code]", lock=False)
        coupon_id = str(promotion["promotion"]["coupon"])
    else:
        coupon_id = str(wishes[0].get("coupon"))
    coupon = tx.require("coupon", coupon_id, param="discounts[0][coupon]", lock=False)
    session["discounts"] = [{"coupon": coupon_id, "promotion_code": str(code) if code else None}]
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
    most, until = promotion["max_redemptions"], promotion["expires_at"]
    if (most is not None and promotion["times_redeemed"] >= most) or (until is not None and until <= tx.now):
        return False
    if coupon["currency"] not in (None, session["currency"]) or not coupon["valid"]:
        return False
    if promotion["customer"] not in (None, session["customer"]):
        return False
    least = promotion["restrictions"]["minimum_amount"]
    return least is None or session["amount_subtotal"] >= least
