"""Single sheets: a receipt, a mandate, and the form for what came with two micro-deposits."""

from __future__ import annotations

from app.sandbox.errors import StripeError, no_such
from app.sandbox.http import Reply
from app.sandbox.pages import rendering
from app.sandbox.pages.checkout_form import Entry
from app.sandbox.pages.visit import Visit, act
from app.sandbox.params import Obj
from app.sandbox.resources import microdeposits
from app.sandbox.resources.intent_states import intent_kind
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("GET", "/receipt/{id}")
def receipt(visit: Visit, id: str) -> Reply:  # noqa: A002
    charge = act(visit, lambda tx: tx.require("charge", id, lock=False))
    return rendering.page("receipt", title=f"Receipt from {rendering.SHOP}", charge=charge)


@route("GET", "/mandate/{id}")
def mandate(visit: Visit, id: str) -> Reply:  # noqa: A002
    found = act(visit, lambda tx: tx.require("mandate", id, lock=False))
    method = act(visit, lambda tx: tx.get("payment_method", found["payment_method"]))
    return rendering.page("mandate", title="Direct debit mandate", mandate=found, method=method)


@route("GET", "/verify/{id}")
def verification(visit: Visit, id: str) -> Reply:  # noqa: A002
    return _verification(act(visit, lambda tx: _intent(tx, id)), Entry({}))


@route("POST", "/verify/{id}")
def verify(visit: Visit, id: str) -> Reply:  # noqa: A002
    entry = Entry({name: str(value) for name, value in visit.form.items()})
    entry.need("code", "code")
    if not entry.wrong:
        try:
            act(visit, lambda tx: microdeposits.verify(tx, id, entry.get("code").upper()))
        except StripeError as refusal:
            entry.wrong["code"] = refusal.message
    if entry.wrong:
        return _verification(act(visit, lambda tx: _intent(tx, id)), entry)
    return rendering.redirect(f"/verify/{id}")


def _verification(intent: Obj, entry: Entry) -> Reply:
    waits = (intent["next_action"] or {}).get("type") == "verify_with_microdeposits"
    return rendering.page("verify", title="Verify your bank account", intent=intent, waits=waits, entry=entry)


def _intent(tx: Tx, intent_id: str) -> Obj:
    found = tx.get(intent_kind(intent_id), intent_id)
    if found is None:
        raise no_such("payment", intent_id)
    return found
