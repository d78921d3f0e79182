"""A customer's sources: the way cards were saved before PaymentMethods, still spoken by older programs."""

from __future__ import annotations

from app.sandbox.errors import invalid, missing, no_such
from app.sandbox.params import Obj, allow, integer, metadata, text
from app.sandbox.resources.card_input import from_token
from app.sandbox.resources.declines import DECLINES
from app.sandbox.resources.saving import refusal
from app.sandbox.resources.tokens import card_object
from app.sandbox.routes import route
from app.sandbox.tx import Tx

TEXTS = (
    "address_city", "address_country", "address_line1", "address_line2", "address_state", "address_zip", "name",
)  # fmt: skip


@route("POST", "/v1/customers/{customer}/sources")
def create(tx: Tx, customer: str) -> Obj:
    allow(tx.params, "source", "metadata", "validate")
    token = text(tx.params, "source")
    if token is None:
        raise missing("source")
    owner = _customer(tx, customer)
    was = owner["default_source"]
    card = add(tx, owner, token)
    tx.put(owner)
    tx.emit("customer.source.created", card)
    if owner["default_source"] != was:
        tx.emit("customer.updated", owner, {"default_source": was})
    return card


def add(tx: Tx, owner: Obj, token: str) -> Obj:
    """Save the card behind a token; the first one becomes the default. The caller stores the customer and tells."""
    read = from_token(tx, token)
    if read[0].declines and read[0].refuses_saving:
        raise refusal(DECLINES[read[0].declines])
    card = {**card_object(tx, read, {}), "customer": owner["id"], "metadata": metadata(tx.params)}
    tx.put(card)
    owner["default_source"] = owner["default_source"] or card["id"]
    return card


@route("GET", "/v1/customers/{customer}/sources")
def of_customer(tx: Tx, customer: str) -> Obj:
    _customer(tx, customer, lock=False)
    found = tx.find("card", customer=customer, limit=100)
    return {"object": "list", "data": found, "has_more": False, "url": f"/v1/customers/{customer}/sources"}


@route("GET", "/v1/customers/{customer}/sources/{id}")
def retrieve(tx: Tx, customer: str, id: str) -> Obj:  # noqa: A002
    return _source(tx, customer, id, lock=False)


@route("POST", "/v1/customers/{customer}/sources/{id}")
def update(tx: Tx, customer: str, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *TEXTS, "exp_month", "exp_year", "metadata", "owner", "account_holder_name", "account_holder_type")
    card = _source(tx, customer, id)
    before = dict(card)
    for name in TEXTS:
        if name in tx.params:
            card[name] = text(tx.params, name)
    card["exp_month"] = integer(tx.params, "exp_month", least=1) or card["exp_month"]
    card["exp_year"] = integer(tx.params, "exp_year", least=1) or card["exp_year"]
    card["metadata"] = metadata(tx.params, card["metadata"])
    tx.put(card)
    tx.emit("customer.source.updated", card, {name: old for name, old in before.items() if card[name] != old})
    return card


@route("DELETE", "/v1/customers/{customer}/sources/{id}")
def delete(tx: Tx, customer: str, id: str) -> Obj:  # noqa: A002
    owner = _customer(tx, customer)
    card = _source(tx, customer, id)
    tx.remove("card", id)
    tx.flush()
    if owner["default_source"] == id:
        left = tx.find("card", customer=customer, limit=1)
        owner["default_source"] = left[0]["id"] if left else None
        tx.put(owner)
        tx.emit("customer.updated", owner, {"default_source": id})
    tx.emit("customer.source.deleted", card)
    return {"id": id, "object": "card", "deleted": True}


def _customer(tx: Tx, customer: str, *, lock: bool = True) -> Obj:
    found = tx.get("customer", customer, lock=lock)
    if found is None:
        raise no_such("customer", customer)
    if found.get("deleted"):
        raise invalid("Cannot modify deleted customers.", param="id")
    return found


def _source(tx: Tx, customer: str, source_id: str, *, lock: bool = True) -> Obj:
    found = tx.get("card", source_id, lock=lock)
    if found is None or found["customer"] != customer:
        raise no_such("source", source_id)
    return found
