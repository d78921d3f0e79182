"""Customers: who pays."""

from __future__ import annotations

from app.sandbox.billing.clocks import enter
from app.sandbox.errors import StripeError, invalid, no_such
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, Params, allow, choice, hash_of, integer, list_of, metadata, text
from app.sandbox.resources import coupons, shapes, sources
from app.sandbox.resources.method_making import resolve
from app.sandbox.resources.payment_methods import attach, let_go
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
        clock = tx.require("test_helpers.test_clock", str(params["test_clock"]), param="test_clock", lock=False)
        customer["test_clock"] = clock["id"]
        enter(tx, customer)
        customer["created"] = tx.now
    _apply_texts(params, customer)
    method = resolve(tx, str(params["payment_method"])) if params.get("payment_method") else None
    _apply_settings(tx, params, customer, joining=method)
    told = _apply_old_ways(tx, params, customer)
    tx.put(customer)
    tx.emit("customer.created", customer)
    if method:
        attach(tx, method, customer["id"])
    _tell(tx, told)
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
    told = _apply_old_ways(tx, params, customer)
    tx.put(customer)
    tx.emit("customer.updated", customer, {name: old for name, old in before.items() if customer[name] != old})
    _tell(tx, told)
    return customer


@route("DELETE", "/v1/customers/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    """For good: saved methods go, payments stay. A later GET answers `deleted: true`."""
    return remove(tx, _live(tx, id))


def remove(tx: Tx, customer: Obj) -> Obj:
    """The customer's subscriptions end, saved methods go, a stub stays."""
    from app.sandbox.billing.subscription_ends import end_all  # subscriptions know customers

    end_all(tx, customer)
    for method in tx.find("payment_method", customer=customer["id"]):
        let_go(tx, tx.require("payment_method", method["id"]))
    gone = {"id": customer["id"], "object": "customer", "deleted": True}
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


def _apply_settings(tx: Tx, params: Params, customer: Obj, *, joining: Obj | None = None) -> None:
    """`invoice_settings`. `joining` is the method this request is about to attach; its alias as default means it, too."""
    given = hash_of(params, "invoice_settings")
    allow(given, *SETTINGS)
    settings = customer["invoice_settings"]
    for name in ("custom_fields", "footer", "rendering_options"):
        if name in given:
            settings[name] = given[name] or None
    if "default_payment_method" not in given:
        return
    wanted = text(given, "default_payment_method")
    settings["default_payment_method"] = (
        None if wanted is None else _default_method(tx, params, customer, wanted, joining)
    )


def _default_method(tx: Tx, params: Params, customer: Obj, wanted: str, joining: Obj | None) -> str:
    if joining and wanted in {joining["id"], params["payment_method"]}:
        return str(joining["id"])
    param = "invoice_settings[default_payment_method]"
    method = resolve(tx, wanted, param=param)
    if method["customer"] is None and method["id"] != wanted:  # an alias: a fresh card, saved on the way
        attach(tx, method, customer["id"])
    if method["customer"] != customer["id"]:
        raise invalid(
            f"The customer does not have a payment method with the ID {wanted}. The payment method must be attached to the "
            "customer.",
            param=param,
        )
    return str(method["id"])


def _apply_old_ways(tx: Tx, params: Params, customer: Obj) -> list[coupons.Told]:
    """`source`, `default_source` and `coupon`, as older programs and Stripe's own CLI still send them."""
    told: list[coupons.Told] = []
    if params.get("source"):
        customer["default_source"] = None
        told.append(("customer.source.created", sources.add(tx, customer, str(params["source"])), None))
    if params.get("default_source"):
        card = tx.get("card", str(params["default_source"]))
        if card is None or card["customer"] != customer["id"]:
            raise no_such("source", str(params["default_source"]), param="default_source", status=400)
        customer["default_source"] = card["id"]
    if params.get("coupon"):
        told.append(coupons.give_discount(tx, customer, str(params["coupon"])))
    elif "coupon" in params and customer["discount"]:
        told.append(coupons.take_discount(customer))
    return told


def _tell(tx: Tx, told: list[coupons.Told]) -> None:
    for kind, obj, previous in told:
        tx.emit(kind, obj, previous)


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
