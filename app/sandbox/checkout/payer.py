"""Who sits before a Checkout page: what they typed, what they agreed to, and where it is written down."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.sandbox.checkout import ends
from app.sandbox.params import Obj, Params
from app.sandbox.resources import shapes
from app.sandbox.resources.bank_accounts import DEBITS
from app.sandbox.resources.inside import as_params, call
from app.sandbox.tx import Tx

UNKNOWN_BROWSER = "Mozilla/5.0 (sandbox)"


@dataclass(frozen=True)
class Payer:
    """Who pays with what. `method` is the id of a PaymentMethod."""

    method: str
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    address: Obj | None = None
    shipping: Obj | None = None
    save: bool = False
    agent: str = UNKNOWN_BROWSER
    answers: Params = field(default_factory=dict)
    """What was typed into the shop's own fields, by key."""


def mandate_data(tx: Tx, payer: Payer) -> Params:
    """The page showed the mandate's text; who pays agreed to it."""
    online = {"ip_address": "127.0.0.1", "user_agent": payer.agent or UNKNOWN_BROWSER}
    return {"customer_acceptance": {"type": "online", "accepted_at": str(tx.now), "online": online}}


def confirm_words(tx: Tx, session: Obj, payer: Payer) -> Params:
    """What every confirmation from a Checkout page says."""
    method = tx.require("payment_method", payer.method, param="payment_method", lock=False)
    words: Params = {"payment_method": payer.method, "return_url": tx.page(f"/c/pay/{session['id']}")}
    if method["type"] in DEBITS:
        words["mandate_data"] = mandate_data(tx, payer)
    return words


def create_customer(tx: Tx, session: Obj, payer: Payer) -> None:
    wanted: Params = {"email": payer.email, "name": payer.name, "phone": payer.phone}
    if payer.address and any(payer.address.values()):
        wanted["address"] = as_params(payer.address)
    session["customer"] = call(tx, "POST", "/v1/customers", wanted)["id"]


def write_down(tx: Tx, session: Obj, payer: Payer) -> None:
    """What the visitor told, in the session."""
    known = session["customer_details"] or {}
    typed = {"email": payer.email, "name": payer.name, "phone": payer.phone, "address": payer.address}
    said = {name: value for name, value in typed.items() if value}
    address = said.get("address") or known.get("address") or dict.fromkeys(shapes.ADDRESS)
    session["customer_details"] = {**ends.details({**known, **said}), "address": address}
    if payer.shipping:
        told = {"address": payer.shipping["address"], "name": payer.shipping["name"]}
        session["collected_information"]["shipping_details"] = told
    if (session["consent_collection"] or {}).get("terms_of_service") == "required":
        session["consent"] = {"promotions": None, "terms_of_service": "accepted"}
    for field_ in session["custom_fields"]:
        field_[field_["type"]]["value"] = payer.answers.get(field_["key"]) or None
    tx.put(session)
