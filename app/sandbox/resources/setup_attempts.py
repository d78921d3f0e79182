"""One try at preparing a method: a SetupAttempt, and the SetupIntent's next status.

Events: setup_intent.succeeded, payment_method.attached; or setup_intent.setup_failed; or setup_intent.requires_action.
"""

from __future__ import annotations

from typing import Any, NoReturn

from app.sandbox.params import Obj
from app.sandbox.resources import mandates, microdeposits
from app.sandbox.resources.authentication import ask_customer, failed, needs_customer_to_save, remember_set_up
from app.sandbox.resources.cards import TestCard
from app.sandbox.resources.charge_moves import card_of
from app.sandbox.resources.declines import DECLINES, SETUP_AUTHENTICATION_FAILED, Decline
from app.sandbox.resources.payment_methods import keep_for
from app.sandbox.resources.saving import refusal
from app.sandbox.tx import Tx


def set_up(tx: Tx, intent: Obj, method: Obj, *, return_url: str | None, mandate_data: Any) -> None:
    """Leaves the intent stored; a refusal raises the card error after that."""
    intent.update(payment_method=method["id"], last_setup_error=None, next_action=None)
    mandate = mandates.agree(tx, method, mandate_data, reusable=True)
    intent["mandate"] = mandate["id"] if mandate else None
    card = card_of(method)
    if card and card.refuses_saving and card.declines:
        _refuse(tx, intent, method, DECLINES[card.declines])
    if card and needs_customer_to_save(card):
        _note(tx, intent, method, "requires_action")
        intent.update(status="requires_action", next_action=ask_customer(tx, intent, return_url))
        tx.put(intent)
        tx.emit("setup_intent.requires_action", intent)
        return
    if microdeposits.needed(tx, method):
        _note(tx, intent, method, "requires_action")
        microdeposits.ask(tx, intent, method)
        return
    succeed(tx, intent, method, card)


def succeed(tx: Tx, intent: Obj, method: Obj, card: TestCard | None) -> None:
    _note(tx, intent, method, "succeeded")
    intent.update(status="succeeded", next_action=None, last_setup_error=None)
    tx.put(intent)
    tx.emit("setup_intent.succeeded", intent)
    if card:
        remember_set_up(tx, card, method)
    if intent["customer"]:
        keep_for(tx, method, intent["customer"])


def fail_authentication(tx: Tx, intent: Obj, method: Obj) -> None:
    """The customer went to the bank's page and did not pass."""
    error = failed(SETUP_AUTHENTICATION_FAILED, "setup_intent_authentication_failure", method)
    fail(tx, intent, method, error)


def _refuse(tx: Tx, intent: Obj, method: Obj, why: Decline) -> NoReturn:
    error = {
        "code": why.code,
        **({"decline_code": why.decline_code} if why.decline_code else {}),
        "doc_url": f"https://stripe.com/docs/error-codes/{why.code.replace('_', '-')}",
        "message": why.message,
        "payment_method": method,
        "type": "card_error",
    }
    fail(tx, intent, method, error)
    raise refusal(why, commit=True, setup_intent=intent, payment_method=method)


def fail(tx: Tx, intent: Obj, method: Obj, error: Obj) -> None:
    _note(tx, intent, method, "failed", error)
    intent.update(status="requires_payment_method", payment_method=None, last_setup_error=error, next_action=None)
    tx.put(intent)
    tx.emit("setup_intent.setup_failed", intent)


def _note(tx: Tx, intent: Obj, method: Obj, status: str, error: Obj | None = None) -> None:
    """Write the SetupAttempt; the one that waits for the customer is finished rather than a new one begun."""
    waiting = tx.get("setup_attempt", intent["latest_attempt"]) if intent["latest_attempt"] else None
    if waiting and waiting["status"] == "requires_action":
        tx.put({**waiting, "status": status, "setup_error": error})
        return
    attempt = {
        "id": tx.new_id("setatt_"),
        "object": "setup_attempt",
        "application": None,
        "attach_to_self": intent["attach_to_self"],
        "created": tx.now,
        "customer": intent["customer"],
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": _details(method),
        "setup_error": error,
        "setup_intent": intent["id"],
        "status": status,
        "usage": intent["usage"],
    }
    tx.put(attempt)
    intent["latest_attempt"] = attempt["id"]


def _details(method: Obj) -> Obj:
    kind = method["type"]
    if kind != "card":
        return {kind: {}, "type": kind}
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    card = {name: method["card"][name] for name in kept}
    return {
        "card": {**card, "network": method["card"]["networks"]["available"][0], "three_d_secure": None, "wallet": None},
        "type": kind,
    }
