"""Coupons, and the discount that one gives to a customer."""

from __future__ import annotations

from app.sandbox.errors import invalid, no_such
from app.sandbox.params import Obj, allow, choice, chosen_id, integer, metadata, text
from app.sandbox.resources.currencies import known_currency
from app.sandbox.routes import route
from app.sandbox.tx import Tx

MONTH = 2_629_746

Told = tuple[str, Obj, Obj | None]
"""An event that its caller emits: type, object, previous attributes."""


@route("POST", "/v1/coupons")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(
        params, "amount_off", "applies_to", "currency", "currency_options", "duration", "duration_in_months", "id",
        "max_redemptions", "metadata", "name", "percent_off", "redeem_by",
    )  # fmt: skip
    percent, amount = _percent(text(params, "percent_off")), integer(params, "amount_off", least=1)
    if (percent is None) == (amount is None):
        raise invalid("You must pass either percent_off or amount_off.")
    if amount is not None and not params.get("currency"):
        raise invalid("You must pass currency when passing amount_off.", param="currency")
    coupon_id = chosen_id(params) or tx.new_id("", 8)
    known = tx.get("coupon", coupon_id)
    if known and not known.get("deleted"):
        raise invalid("Coupon already exists.", param="id", code="resource_already_exists")
    coupon = {
        "id": coupon_id,
        "object": "coupon",
        "amount_off": amount,
        "created": tx.now,
        "currency": known_currency(str(params["currency"])) if amount is not None else None,
        "duration": choice(params, "duration", ("forever", "once", "repeating")) or "once",
        "duration_in_months": integer(params, "duration_in_months", least=1),
        "livemode": False,
        "max_redemptions": integer(params, "max_redemptions", least=1),
        "metadata": metadata(params),
        "name": text(params, "name"),
        "percent_off": percent,
        "redeem_by": integer(params, "redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    tx.put(coupon)
    tx.emit("coupon.created", coupon)
    return coupon


@route("GET", "/v1/coupons/{id}")
def retrieve(tx: Tx, id: str) -> Obj:  # noqa: A002
    return _coupon(tx, id, lock=False)


@route("POST", "/v1/coupons/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "metadata", "name", "currency_options")
    coupon = _coupon(tx, id)
    before = {"metadata": coupon["metadata"], "name": coupon["name"]}
    coupon["metadata"] = metadata(tx.params, coupon["metadata"])
    if "name" in tx.params:
        coupon["name"] = text(tx.params, "name")
    tx.put(coupon)
    tx.emit("coupon.updated", coupon, {name: old for name, old in before.items() if coupon[name] != old})
    return coupon


@route("DELETE", "/v1/coupons/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Nobody can use it any more; discounts given before stay."""
    coupon = {**_coupon(tx, id), "valid": False}
    tx.put({**coupon, "deleted": True})
    tx.emit("coupon.deleted", coupon)
    return {"id": id, "object": "coupon", "deleted": True}


@route("DELETE", "/v1/customers/{id}/discount")
def end_discount(tx: Tx, id: str) -> Obj:  # noqa: A002
    customer = tx.require("customer", id)
    if customer.get("discount") is None:
        raise invalid(f"No active discount for customer: {id}", code="resource_missing")
    told = take_discount(customer)
    tx.put(customer)
    tx.emit(*told)
    return {**told[1], "deleted": True}


def give_discount(tx: Tx, customer: Obj, coupon_id: str) -> Told:
    """Redeem a coupon for the customer: customer.discount.created, or .updated when it replaces one; not yet told."""
    coupon = redeem(tx, coupon_id)
    months = coupon["duration_in_months"] if coupon["duration"] == "repeating" else None
    old = customer["discount"]
    customer["discount"] = {
        "id": tx.new_id("di_"),
        "object": "discount",
        "checkout_session": None,
        "customer": customer["id"],
        "customer_account": None,
        "end": tx.now + months * MONTH if months else None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": tx.now,
        "subscription": None,
        "subscription_item": None,
    }
    if old:
        return "customer.discount.updated", customer["discount"], {"id": old["id"], "source": old["source"]}
    return "customer.discount.created", customer["discount"], None


def redeem(tx: Tx, coupon_id: str) -> Obj:
    """Use a coupon once more; refused when it is used up or over."""
    coupon = tx.get("coupon", coupon_id, lock=True)
    if coupon is None or coupon.get("deleted"):
        raise no_such("coupon", coupon_id, param="coupon", status=400)
    most, until = coupon["max_redemptions"], coupon["redeem_by"]
    if (
        not coupon["valid"]
        or (most is not None and coupon["times_redeemed"] >= most)
        or (until is not None and until <= tx.now)
    ):
        raise invalid(f"Coupon {coupon_id} has expired.", code="coupon_expired", param="coupon")
    coupon["times_redeemed"] += 1
    tx.put(coupon)
    return coupon


def take_discount(customer: Obj) -> Told:
    ended: Obj = customer["discount"]
    customer["discount"] = None
    return "customer.discount.deleted", ended, None


def _percent(given: str | None) -> float | None:
    if given is None:
        return None
    try:
        percent = float(given)
    except ValueError as error:
        raise invalid(f"Invalid decimal: {given}", param="percent_off") from error
    if not 0 < percent <= 100:
        raise invalid("percent_off must be greater than 0 and at most 100.", param="percent_off")
    return percent


def _coupon(tx: Tx, coupon_id: str, *, lock: bool = True) -> Obj:
    found = tx.get("coupon", coupon_id, lock=lock)
    if found is None or found.get("deleted"):
        raise no_such("coupon", coupon_id, param="coupon")
    return found
