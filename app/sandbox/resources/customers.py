"""Customers: who pays."""

from __future__ import annotations

from app.sandbox.errors import StripeError, invalid, no_such
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, Params, allow, choice, hash_of, integer, list_of, metadata, text
from app.sandbox.resources import coupons, shapes, sources
from app.sandbox.resources.payment_methods import attach, let_go, resolve
from app.sandbox.routes import route
from app.sandbox.store import equals
from app.sandbox.tx import Tx

CHANGEABLE = (
    "address", "balance", "business_name", "cash_balance", "coupon", "default_source", "description", "email",
    "individual_name", "invoice_prefix", "invoice_settings", "metadata", "name", "next_invoice_sequence", "phone",
    "preferred_locales", "promotion_code", "shipping", "source", "tax", "tax_exempt", "validate",
)  # fmt: skip
TEXTS = ("business_name", "description", "individual_name", "invoice_prefix", "name", "phone")
SETTINGS = ("custom_fields", "default_payment_method", "footer", "rendering_options")


@route("POST", "/v1/customers")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(params, *CHANGEABLE, "payment_method", "tax_id_data", "test_clock")
    customer = _blank(tx)
    if params.get("test_clock"):
        customer["test_clock"] = tx.require("test_helpers.test_clock", str(params["test_clock"]), param="test_clock")[
            "id"
        ]
    _apply_texts(params, customer)
    method = resolve(tx, str(params["payment_method"])) if params.get("payment_method") else None
    later = [kind for kind in ("source", "coupon") if params.get(kind)]
    tx.emit("customer.created", customer)
    if method:
        attach(tx, method, customer["id"])
    _apply_settings(tx, params, customer, just_attached=method, alias=params.get("payment_method"))
    if later:
        _apply_old_ways(tx, params, customer)
    tx.put(customer)
    return customer


@route("POST", "/v1/customers/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(params, *CHANGEABLE)
    customer = _live(tx, id)
    before = {name: value for name, value in customer.items() if name not in ("id", "object")}
    before["invoice_settings"] = dict(customer["invoice_settings"])
    _apply_texts(params, customer)
    _apply_settings(tx, params, customer)
    _apply_old_ways(tx, params, customer)
    tx.put(customer)
    tx.emit("customer.updated", customer, {name: old for name, old in before.items() if customer[name] != old})
    return customer


@route("DELETE", "/v1/customers/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    """For good: saved methods go, payments stay. A later GET answers `deleted: true`."""
    customer = _live(tx, id)
    for method in tx.find("payment_method", customer=id):
        let_go(tx, tx.require("payment_method", method["id"]))
    gone = {"id": id, "object": "customer", "deleted": True}
    tx.emit("customer.deleted", customer)
    tx.put({**gone, "created": customer["created"]})
    return gone


@route("GET", "/v1/customers/{id}")
def retrieve(tx: Tx, id: str) -> Obj:  # noqa: A002
    customer = tx.get("customer", id)
    if customer is None:
        raise no_such("customer", id)
    if customer.get("deleted"):
        return {"id": id, "object": "customer", "deleted": True}
    return customer


@route("GET", "/v1/customers/{id}/payment_methods")
def payment_methods(tx: Tx, id: str) -> Obj | RawJson:  # noqa: A002
    retrieve(tx, id)
    return list_page(tx, "payment_method", url=f"/v1/customers/{id}/payment_methods", where=[equals("customer", id)])


@route("GET", "/v1/customers/{id}/payment_methods/{method}")
def payment_method(tx: Tx, id: str, method: str) -> Obj:  # noqa: A002
    found = tx.get("payment_method", method)
    if found is None or found["customer"] != id:
        raise no_such("PaymentMethod", method, param="payment_method")
    return found


def _live(tx: Tx, customer_id: str) -> Obj:
    customer = tx.get("customer", customer_id, lock=True)
    if customer is None or customer.get("deleted"):
        raise no_such("customer", customer_id)
    return customer


def _apply_texts(params: Params, customer: Obj) -> None:
    for name in TEXTS:
        if name in params:
            customer[name] = text(params, name)
    if "email" in params:
        customer["email"] = _email(text(params, "email", limit=512))
    if "address" in params:
        customer["address"] = shapes.address(params["address"])
    if "shipping" in params:
        customer["shipping"] = shapes.shipping(params["shipping"])
    if "preferred_locales" in params:
        customer["preferred_locales"] = [str(one) for one in list_of(params, "preferred_locales")]
    if "balance" in params:
        customer["balance"] = integer(params, "balance") or 0
    if "next_invoice_sequence" in params:
        customer["next_invoice_sequence"] = integer(params, "next_invoice_sequence", least=1) or 1
    customer["tax_exempt"] = choice(params, "tax_exempt", ("exempt", "none", "reverse")) or customer["tax_exempt"]
    customer["metadata"] = metadata(params, customer["metadata"])


def _apply_settings(
    tx: Tx, params: Params, customer: Obj, *, just_attached: Obj | None = None, alias: str | None = None
) -> None:
    """`invoice_settings`; an alias as default means the method that this very request attached under that alias."""
    given = hash_of(params, "invoice_settings")
    allow(given, *SETTINGS)
    settings = customer["invoice_settings"]
    for name in ("custom_fields", "footer", "rendering_options"):
        if name in given:
            settings[name] = given[name] or None
    if "default_payment_method" not in given:
        return
    wanted = text(given, "default_payment_method")
    if wanted is None:
        settings["default_payment_method"] = None
        return
    param = "invoice_settings[default_payment_method]"
    method = just_attached if just_attached and wanted == alias else resolve(tx, wanted, param=param)
    if method["customer"] is None and wanted.startswith("pm_card_"):
        attach(tx, method, customer["id"])
    if method["customer"] != customer["id"]:
        raise invalid(
            f"The customer does not have a payment method with the ID {wanted}. The payment method must be attached to the "
            "customer.",
            param=param,
        )
    settings["default_payment_method"] = method["id"]


def _apply_old_ways(tx: Tx, params: Params, customer: Obj) -> None:
    """`source`, `default_source` and `coupon`, as older programs and Stripe's own CLI still send them."""
    if params.get("source"):
        customer["default_source"] = None
        sources.add(tx, customer, str(params["source"]))
    if params.get("default_source"):
        card = tx.get("card", str(params["default_source"]))
        if card is None or card["customer"] != customer["id"]:
            raise no_such("source", str(params["default_source"]), param="default_source", status=400)
        customer["default_source"] = card["id"]
    if params.get("coupon"):
        coupons.give_discount(tx, customer, str(params["coupon"]))
    elif "coupon" in params and customer["discount"]:
        coupons.take_discount(tx, customer)


def _email(value: str | None) -> str | None:
    if value is None:
        return None
    name, at, domain = value.partition("@")
    if not at or not name or "." not in domain or any(letter.isspace() for letter in value):
        raise StripeError(f"Invalid email address: {value}", code="email_invalid", param="email")
    return value


def _blank(tx: Tx) -> Obj:
    return {
        "id": tx.new_id("cus_", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": None,
        "created": tx.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "individual_name": None,
        "invoice_prefix": tx.new_id("", 8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
