"""Plans: recurring prices under their old name, kept as prices."""

from __future__ import annotations

from app.sandbox.billing.prices import as_plan, build
from app.sandbox.billing.products import make_product
from app.sandbox.errors import invalid, no_such
from app.sandbox.params import Obj, Params, allow, boolean, chosen_id, hash_of, integer, metadata, text
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("POST", "/v1/plans")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(
        params, "active", "amount", "amount_decimal", "billing_scheme", "currency", "id", "interval", "interval_count",
        "metadata", "meter", "nickname", "product", "tiers", "tiers_mode", "transform_usage", "trial_period_days",
        "usage_type",
    )  # fmt: skip
    plan_id = chosen_id(params)
    if plan_id and tx.get("price", plan_id):
        raise invalid("Plan already exists.", param="id", code="resource_already_exists")
    recurring = {
        name: params[name]
        for name in ("interval", "interval_count", "trial_period_days", "usage_type", "meter")
        if name in params
    }
    given: Params = {
        **{
            name: params[name]
            for name in ("active", "currency", "metadata", "nickname", "tiers", "tiers_mode")
            if name in params
        },
        "unit_amount": params.get("amount"),
        "unit_amount_decimal": params.get("amount_decimal"),
        "transform_quantity": params.get("transform_usage"),
        "recurring": recurring or {"interval": ""},
        "product": _product(tx),
    }
    price = build(tx, given)
    price["id"] = plan_id or price["id"]
    tx.put(price)
    plan = as_plan(price)
    tx.emit("plan.created", plan)
    tx.emit("price.created", price)
    return plan


@route("GET", "/v1/plans")
def all_plans(tx: Tx) -> Obj:
    allow(tx.params, "active", "created", "limit", "product", "starting_after", "ending_before")
    where = {"type": "recurring"} | ({"product": str(tx.params["product"])} if tx.params.get("product") else {})
    limit = min(max(integer(tx.params, "limit") or 10, 1), 100)
    prices = tx.find("price", limit=limit + 1, **where)
    data = [as_plan(price) for price in prices[:limit]]
    return {"object": "list", "data": data, "has_more": len(prices) > limit, "url": "/v1/plans"}


@route("GET", "/v1/plans/{id}")
def retrieve(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params)
    return as_plan(_price(tx, id))


@route("POST", "/v1/plans/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "active", "metadata", "nickname", "product", "trial_period_days")
    price = _price(tx, id)
    before = as_plan(price)
    price["metadata"] = metadata(tx.params, price["metadata"])
    if "nickname" in tx.params:
        price["nickname"] = text(tx.params, "nickname")
    if "active" in tx.params:
        price["active"] = boolean(tx.params, "active") is not False
    tx.put(price)
    plan = as_plan(price)
    changed = {name: old for name, old in before.items() if plan[name] != old}
    tx.emit("plan.updated", plan, changed)
    tx.emit("price.updated", price, changed)
    return plan


@route("DELETE", "/v1/plans/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    price = _price(tx, id)
    tx.put({"id": id, "object": "price", "created": price["created"], "deleted": True, "active": False})
    tx.emit("plan.deleted", as_plan(price))
    tx.emit("price.deleted", price)
    return {"id": id, "object": "plan", "deleted": True}


def _price(tx: Tx, plan_id: str) -> Obj:
    price = tx.get("price", plan_id, lock=True)
    if price is None or price.get("deleted") or price["recurring"] is None:
        raise no_such("plan", plan_id, param="plan")
    return price


def _product(tx: Tx) -> str | None:
    """`product` is an id, or a hash that makes one on the way."""
    if not isinstance(tx.params.get("product"), dict):
        return text(tx.params, "product")
    product = make_product(tx, hash_of(tx.params, "product"))
    tx.put(product)
    tx.emit("product.created", product)
    return str(product["id"])
