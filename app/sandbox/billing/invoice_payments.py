"""Which payment pays which invoice."""

from __future__ import annotations

from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow, hash_of
from app.sandbox.routes import route
from app.sandbox.store import equals
from app.sandbox.tx import Tx


@route("GET", "/v1/invoice_payments")
def all_payments(tx: Tx) -> Obj | RawJson:
    """Also by `payment[payment_intent]`."""
    payment = hash_of(tx.params, "payment")
    allow(payment, "type", "payment_intent", "payment_record", "charge")
    where = [equals(name, str(payment[name])) for name in ("payment_intent", "charge") if payment.get(name)]
    return list_page(tx, "invoice_payment", where=where, also=("payment",))
