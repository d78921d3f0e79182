"""Radar's lists of values: those Stripe makes for every account, and what is on them."""

from __future__ import annotations

from app.sandbox.errors import invalid, missing, no_such
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow, text
from app.sandbox.routes import route
from app.sandbox.tx import Tx

OWNER = "owner@sandbox.example"
DEFAULTS = {
    "card_fingerprint_blocklist": ("rsl_sandboxcards", "card_fingerprint", "Blocked cards"),
    "customer_id_blocklist": ("rsl_sandboxcustomers", "customer_id", "Blocked customers"),
    "email_blocklist": ("rsl_sandboxemails", "email", "Blocked e-mail addresses"),
}


@route("GET", "/v1/radar/value_lists")
def every(tx: Tx) -> Obj | RawJson:
    """The default lists are there from the first look on."""
    for list_id, _, _ in DEFAULTS.values():
        _list(tx, list_id)
    return list_page(tx, "radar.value_list")


@route("GET", "/v1/radar/value_lists/{id}")
def retrieve(tx: Tx, id: str) -> Obj:  # noqa: A002
    return _list(tx, id)


@route("POST", "/v1/radar/value_list_items")
def add(tx: Tx) -> Obj:
    allow(tx.params, "value_list", "value")
    for name in ("value_list", "value"):
        if not tx.params.get(name):
            raise missing(name)
    list_id, value = str(tx.params["value_list"]), str(text(tx.params, "value"))
    if _list(tx, list_id)["item_type"] == "email":
        value = value.lower()
    if tx.find("radar.value_list_item", value_list=list_id, value=value):
        raise invalid(f"The value {value} is in this list already.", param="value")
    item = {
        "id": tx.new_id("rsli_"),
        "object": "radar.value_list_item",
        "created": tx.now,
        "created_by": OWNER,
        "livemode": False,
        "value": value,
        "value_list": list_id,
    }
    tx.put(item)
    return item


@route("DELETE", "/v1/radar/value_list_items/{id}")
def take_off(tx: Tx, id: str) -> Obj:  # noqa: A002
    tx.require("radar.value_list_item", id)
    tx.remove("radar.value_list_item", id)
    return {"id": id, "object": "radar.value_list_item", "deleted": True}


def is_blocked(tx: Tx, intent: Obj, method: Obj) -> bool:
    """Whether the card, the customer or the address of this payment is on its block list.

    The address is the first that the payment, the card or the customer has; capitals make no other address of it.
    """
    values = {
        "card_fingerprint": (method.get("card") or {}).get("fingerprint"),
        "customer_id": intent["customer"],
        "email": (_email(tx, intent, method) or "").lower(),
    }
    return any(
        tx.find("radar.value_list_item", limit=1, value_list=list_id, value=values[item_type])
        for list_id, item_type, _ in DEFAULTS.values()
        if values[item_type]
    )


def _email(tx: Tx, intent: Obj, method: Obj) -> str | None:
    address = intent["receipt_email"] or method["billing_details"]["email"]
    customer = tx.get("customer", intent["customer"]) if intent["customer"] and not address else None
    found: str | None = address or (customer or {}).get("email")
    return found


def _list(tx: Tx, list_id: str) -> Obj:
    known = tx.get("radar.value_list", list_id)
    if known:
        return known
    for alias, (default_id, item_type, name) in DEFAULTS.items():
        if default_id == list_id:
            made = {
                "id": list_id,
                "object": "radar.value_list",
                "alias": alias,
                "created": tx.now,
                "created_by": OWNER,
                "item_type": item_type,
                "list_items": {
                    "object": "list",
                    "data": [],
                    "has_more": False,
                    "url": f"/v1/radar/value_list_items?value_list={list_id}",
                },
                "livemode": False,
                "metadata": {},
                "name": name,
            }
            tx.put(made)
            return made
    raise no_such("value list", list_id, param="value_list", status=404)
