"""Products: what is sold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.billing.pricing import decimal
from app.sandbox.errors import invalid, missing, no_such
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow, boolean, choice, chosen_id, hash_of, list_of, metadata, text
from app.sandbox.routes import route
from app.sandbox.tx import Tx

CHANGEABLE = (
    "active", "description", "images", "marketing_features", "metadata", "name", "package_dimensions", "shippable",
    "statement_descriptor", "tax_code", "tax_details", "unit_label", "url",
)  # fmt: skip
TEXTS = ("description", "name", "statement_descriptor", "tax_code", "unit_label", "url")


@route("POST", "/v1/products")
def create(tx: Tx) -> Obj:
    from app.sandbox.billing.prices import build  # prices know products

    allow(tx.params, *CHANGEABLE, "default_price_data", "id", "type")
    product = make_product(tx, tx.params)
    data = hash_of(tx.params, "default_price_data")
    tx.put(product)
    if data:
        price = build(tx, {**data, "product": product["id"]}, "default_price_data")
        product["default_price"] = price["id"]
        tx.put(product)
        tx.put(price)
    tx.emit("product.created", product)
    if data:
        tx.emit("price.created", price)
    return product


@route("GET", "/v1/products")
def all_products(tx: Tx) -> Obj | RawJson:
    """Also by `ids` and `url`."""
    where: list[tuple[str, Any]] = []
    ids = list_of(tx.params, "ids")
    if ids:
        where.append(("id = ANY(%s)", [str(one) for one in ids]))
    if tx.params.get("url"):
        where.append(("(body::json->>'url') = %s", str(tx.params["url"])))
    return list_page(tx, "product", where=where, also=("ids", "url"))


@route("POST", "/v1/products/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *CHANGEABLE, "default_price")
    product = the_product(tx, id, status=404)
    before = dict(product)
    _apply(tx.params, product)
    if tx.params.get("default_price"):
        price = tx.require("price", str(tx.params["default_price"]), param="default_price", lock=False)
        if price["product"] != id:
            raise invalid("The default price must belong to the product.", param="default_price")
        product["default_price"] = price["id"]
    product["updated"] = tx.now
    tx.put(product)
    tx.emit("product.updated", product, {name: old for name, old in before.items() if product[name] != old})
    return product


@route("DELETE", "/v1/products/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Only while it has no price."""
    product = the_product(tx, id, status=404)
    if tx.find("price", product=id, limit=1):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.")
    tx.emit("product.deleted", product)
    gone = {"id": id, "object": "product", "deleted": True}
    tx.put({**gone, "created": product["created"]})
    return gone


def the_product(tx: Tx, product_id: str, param: str = "id", *, status: int = 400) -> Obj:
    product = tx.get("product", product_id, lock=True)
    if product is None or product.get("deleted"):
        raise no_such("product", product_id, param=param, status=status)
    return product


def make_product(tx: Tx, given: Mapping[str, Any]) -> Obj:
    """A new product, not yet stored."""
    if not given.get("name"):
        raise missing("name")
    product_id = chosen_id(given) or tx.new_id("prod_", 14)
    if given.get("id") and tx.get("product", product_id):
        raise invalid("Product already exists.", param="id", code="resource_already_exists")
    product: Obj = {
        "id": product_id,
        "object": "product",
        "active": True,
        "created": tx.world_now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": "",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": choice(given, "type", ("good", "service")) or "service",
        "unit_label": None,
        "updated": tx.world_now,
        "url": None,
    }
    _apply(given, product)
    return product


def _apply(given: Mapping[str, Any], product: Obj) -> None:
    for name in TEXTS:
        if name in given:
            product[name] = text(given, name)
    for name in ("active", "shippable"):
        if name in given:
            product[name] = boolean(given, name)
    if "images" in given:
        product["images"] = [str(one) for one in list_of(given, "images")][:8]
    if "marketing_features" in given:
        product["marketing_features"] = [
            {"name": text(one, "name")} for one in list_of(given, "marketing_features") if isinstance(one, dict)
        ]
    if hash_of(given, "package_dimensions"):
        size = hash_of(given, "package_dimensions")
        product["package_dimensions"] = {
            name: float(decimal(size.get(name) or 0, f"package_dimensions[{name}]"))
            for name in ("height", "length", "weight", "width")
        }
    product["metadata"] = metadata(given, product["metadata"])
