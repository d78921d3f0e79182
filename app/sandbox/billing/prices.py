"""Prices: what a product costs, once or every so often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox import codec
from app.sandbox.billing.periods import INTERVALS
from app.sandbox.billing.pricing import unit_amounts
from app.sandbox.billing.products import make_product, the_product
from app.sandbox.errors import invalid, missing, no_such
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow, boolean, choice, hash_of, hashes_of, integer, list_of, metadata, text
from app.sandbox.resources.currencies import known_currency
from app.sandbox.routes import route
from app.sandbox.tx import Tx

CREATE_PARAMS = (
    "active", "billing_scheme", "currency", "custom_unit_amount", "lookup_key", "metadata", "nickname", "product",
    "product_data", "recurring", "tax_behavior", "tiers", "tiers_mode", "transfer_lookup_key", "transform_quantity",
    "unit_amount", "unit_amount_decimal",
)  # fmt: skip
INLINE_PARAMS = (
    "currency", "product", "product_data", "recurring", "tax_behavior", "unit_amount", "unit_amount_decimal",
)  # fmt: skip
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
TIERS_MODES = ("graduated", "volume")
LONGEST_TRIAL = 730
"""Days."""
BEHAVIOURS = ("exclusive", "inclusive", "unspecified")


@route("POST", "/v1/prices")
def create(tx: Tx) -> Obj:
    allow(tx.params, *CREATE_PARAMS)
    price = build(tx, tx.params)
    _take_lookup_key(tx, price)
    tx.put(price)
    tx.emit("price.created", price)
    return price


@route("GET", "/v1/prices")
def all_prices(tx: Tx) -> Obj | RawJson:
    """Also by `lookup_keys` and by `recurring[interval]`."""
    where: list[tuple[str, Any]] = []
    keys = list_of(tx.params, "lookup_keys")
    if keys:
        where.append(("(body::json->>'lookup_key') = ANY(%s)", [str(key) for key in keys]))
    interval = hash_of(tx.params, "recurring").get("interval")
    if interval:
        where.append(("(body::json->'recurring'->>'interval') = %s", interval))
    return list_page(tx, "price", where=where, also=("lookup_keys", "recurring"))


@route("POST", "/v1/prices/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "active", "lookup_key", "metadata", "nickname", "tax_behavior", "transfer_lookup_key")
    price = tx.require("price", id)
    before = dict(price)
    active = boolean(tx.params, "active")
    price["active"] = price["active"] if active is None else active
    price["metadata"] = metadata(tx.params, price["metadata"])
    for name in ("nickname", "lookup_key"):
        if name in tx.params:
            price[name] = text(tx.params, name)
    behaviour = choice(tx.params, "tax_behavior", BEHAVIOURS)
    if behaviour and price["tax_behavior"] not in (behaviour, "unspecified"):
        raise invalid("You cannot change `tax_behavior` once it is set.", param="tax_behavior")
    price["tax_behavior"] = behaviour or price["tax_behavior"]
    if "lookup_key" in tx.params:
        _take_lookup_key(tx, price)
    tx.put(price)
    tx.emit("price.updated", price, {name: old for name, old in before.items() if price[name] != old})
    return price


def build(tx: Tx, given: Mapping[str, Any], prefix: str = "") -> Obj:
    """A new price from its parameters, not yet stored. `prefix` names the parameter in errors."""
    at = f"{prefix}[{{}}]".format if prefix else "{}".format
    if not given.get("currency"):
        raise missing(at("currency"))
    currency = known_currency(str(given["currency"]), at("currency"))
    tiers = _tiers(given)
    whole, exact = unit_amounts(given, "unit_amount", "unit_amount_decimal")
    if exact is None and not tiers and not given.get("custom_unit_amount"):
        raise invalid("You must specify either `unit_amount` or `unit_amount_decimal`.", param=at("unit_amount"))
    if exact is not None and exact.startswith("-"):
        raise invalid("Invalid non-negative integer", param=at("unit_amount"), code="parameter_invalid_integer")
    recurring = _recurring(given, at("recurring"))
    packing = hash_of(given, "transform_quantity")
    return {
        "id": tx.new_id("price_"),
        "object": "price",
        "active": boolean(given, "active") is not False,
        "billing_scheme": "tiered" if tiers else "per_unit",
        "created": tx.world_now,
        "currency": currency,
        "custom_unit_amount": _custom(given),
        "livemode": False,
        "lookup_key": text(given, "lookup_key", limit=200),
        "metadata": metadata(given),
        "nickname": text(given, "nickname"),
        "product": _product(tx, given, at("product")),
        "recurring": recurring,
        "tax_behavior": choice(given, "tax_behavior", BEHAVIOURS) or "unspecified",
        **({"tiers": tiers} if tiers else {}),
        "tiers_mode": choice(given, "tiers_mode", TIERS_MODES) if tiers else None,
        "transform_quantity": {
            "divide_by": integer(packing, "divide_by", least=1) or 1,
            "round": choice(packing, "round", ("down", "up")) or "up",
        }
        if packing
        else None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": None if tiers else whole,
        "unit_amount_decimal": None if tiers else exact,
    }


def inline(tx: Tx, given: Mapping[str, Any], prefix: str) -> Obj:
    """`price_data`: a price made on the way, for this one use and therefore not active. Stored."""
    data = hash_of(given, "price_data")
    allow(data, *INLINE_PARAMS)
    price = {**build(tx, data, f"{prefix}[price_data]"), "active": False}
    tx.put(price)
    return price


def the_price(tx: Tx, price_id: str, param: str = "price") -> Obj:
    """A price that can be bought: there and active; 400 else. Plans are prices by another name."""
    price = tx.get("price", price_id)
    if price is None:
        raise no_such("price", price_id, param=param, status=400)
    if not price["active"]:
        raise invalid(
            f"The price specified is inactive. This field only accepts active prices. ({price_id})", param=param
        )
    return price


def as_plan(price: Obj) -> Obj:
    """The old name and shape of a recurring price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def _recurring(given: Mapping[str, Any], param: str) -> Obj | None:
    told = hash_of(given, "recurring")
    if not told:
        return None
    interval = choice(told, "interval", INTERVALS)
    if interval is None:
        raise missing(f"{param}[interval]")
    count = integer(told, "interval_count", least=1) or 1
    if count > LONGEST[interval]:
        raise invalid("The maximum interval is three years.", param=f"{param}[interval_count]")
    return {
        "interval": interval,
        "interval_count": count,
        "meter": text(told, "meter"),
        "trial_period_days": trial_days(told),
        "usage_type": choice(told, "usage_type", ("licensed", "metered")) or "licensed",
    }


def trial_days(given: Mapping[str, Any]) -> int | None:
    days = integer(given, "trial_period_days", least=0)
    if days is not None and days > LONGEST_TRIAL:
        raise invalid(f"trial_period_days can be at most {LONGEST_TRIAL}.", param="trial_period_days")
    return days


def _tiers(given: Mapping[str, Any]) -> list[Obj]:
    tiers = []
    for tier in hashes_of(given, "tiers"):
        unit, unit_exact = unit_amounts(tier, "unit_amount", "unit_amount_decimal")
        flat, flat_exact = unit_amounts(tier, "flat_amount", "flat_amount_decimal")
        top = tier.get("up_to")
        tiers.append(
            {
                "flat_amount": flat,
                "flat_amount_decimal": flat_exact,
                "unit_amount": unit,
                "unit_amount_decimal": unit_exact,
                "up_to": None if top in (None, "", "inf") else integer(tier, "up_to", least=1),
            }
        )
    if not tiers:
        return []
    if choice(given, "tiers_mode", TIERS_MODES) is None:
        raise missing("tiers_mode")
    if tiers[-1]["up_to"] is not None:
        raise invalid("The last tier must have `up_to` set to `inf`.", param="tiers")
    tops = [tier["up_to"] or 0 for tier in tiers[:-1]]
    if 0 in tops or tops != sorted(set(tops)):
        raise invalid("Each tier's `up_to` must be higher than that of the tier before.", param="tiers")
    return tiers


def _custom(given: Mapping[str, Any]) -> Obj | None:
    told = hash_of(given, "custom_unit_amount")
    return {name: integer(told, name) for name in ("maximum", "minimum", "preset")} if told else None


def _product(tx: Tx, given: Mapping[str, Any], param: str) -> str:
    data = hash_of(given, "product_data")
    if data:
        product = make_product(tx, data)
        tx.put(product)
        tx.emit("product.created", product)
        return str(product["id"])
    named = text(given, "product")
    if named is None:
        raise missing(param)
    return str(the_product(tx, named, param)["id"])


def _take_lookup_key(tx: Tx, price: Obj) -> None:
    """A lookup key names one price; it moves only when `transfer_lookup_key` says so."""
    if price["lookup_key"] is None:
        return
    tx.hold("sandbox.lookup_key", price["lookup_key"])
    tx.flush()
    tx.cursor.execute(
        "SELECT id FROM objects WHERE kind = 'price' AND id <> %s AND (body::json->>'lookup_key') = %s",
        (price["id"], codec.column_text(price["lookup_key"])),
    )
    row = tx.cursor.fetchone()
    if row is None:
        return
    if not boolean(tx.params, "transfer_lookup_key"):
        raise invalid(
            f"A price (`{row[0]}`) already uses that lookup key. You can transfer the lookup key to this price with "
            "`transfer_lookup_key=true`.",
            param="lookup_key",
        )
    tx.put({**tx.require("price", row[0]), "lookup_key": None})
