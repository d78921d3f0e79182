"""Promotion codes: a word customers type to redeem a coupon."""

from __future__ import annotations

from app.sandbox.errors import invalid, missing, no_such
from app.sandbox.params import Obj, allow, boolean, hash_of, integer, metadata, moment, text
from app.sandbox.resources.payment_methods import live_customer
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("POST", "/v1/promotion_codes")
def create(tx: Tx) -> Obj:
    """`promotion[coupon]`, or `coupon` as older programs and Stripe's own CLI send it."""
    params = tx.params
    allow(
        params, "active", "code", "coupon", "customer", "customer_account", "expires_at", "max_redemptions", "metadata",
        "promotion", "restrictions",
    )  # fmt: skip
    coupon_id = text(hash_of(params, "promotion"), "coupon") or text(params, "coupon")
    if coupon_id is None:
        raise missing("promotion[coupon]")
    coupon = tx.get("coupon", coupon_id)
    if coupon is None:
        raise no_such("coupon", coupon_id, param="coupon", status=400)
    code = text(params, "code", limit=500) or tx.new_id("", 8).upper()
    tx.hold("sandbox.promotion_code", code)
    if any(one["active"] and one["code"].lower() == code.lower() for one in tx.find("promotion_code")):
        raise invalid("An active promotion code with `code: " + code + "` already exists.", param="code")
    limits = hash_of(params, "restrictions")
    promotion = {
        "id": tx.new_id("promo_"),
        "object": "promotion_code",
        "active": boolean(params, "active") is not False,
        "code": code,
        "created": tx.world_now,
        "customer": live_customer(tx, str(params["customer"]))["id"] if params.get("customer") else None,
        "customer_account": None,
        "expires_at": moment(params, "expires_at"),
        "livemode": False,
        "max_redemptions": integer(params, "max_redemptions", least=1),
        "metadata": metadata(params),
        "promotion": {"coupon": coupon_id, "type": "coupon"},
        "restrictions": {
            "first_time_transaction": boolean(limits, "first_time_transaction") is True,
            "minimum_amount": integer(limits, "minimum_amount", least=1),
            "minimum_amount_currency": text(limits, "minimum_amount_currency"),
        },
        "times_redeemed": 0,
    }
    tx.put(promotion)
    tx.emit("promotion_code.created", promotion)
    return promotion


@route("POST", "/v1/promotion_codes/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "active", "metadata", "restrictions")
    promotion = tx.require("promotion_code", id)
    before = dict(promotion)
    if "active" in tx.params:
        promotion["active"] = boolean(tx.params, "active") is not False
    promotion["metadata"] = metadata(tx.params, promotion["metadata"])
    tx.put(promotion)
    changed = {name: old for name, old in before.items() if promotion[name] != old}
    tx.emit("promotion_code.updated", promotion, changed)
    return promotion
