"""What the customer does outside our API: passing or failing the bank's authentication page."""

from __future__ import annotations

from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj
from app.sandbox.resources import outcomes
from app.sandbox.resources.attempts import Circumstances, attempt, fail
from app.sandbox.resources.authentication import failed
from app.sandbox.resources.charge_moves import card_of
from app.sandbox.resources.declines import AUTHENTICATION_FAILED
from app.sandbox.resources.intent_states import intent_kind
from app.sandbox.resources.setup_attempts import fail_authentication, succeed
from app.sandbox.tx import Tx

PAGES = ("redirect_to_url", "use_stripe_sdk")


def authenticate(tx: Tx, intent_id: str, *, passed: bool) -> Obj:
    """Finish `requires_action` of a PaymentIntent or SetupIntent; answers with the intent as it is then."""
    kind = intent_kind(intent_id)
    intent = tx.require(kind, intent_id)
    if intent["status"] != "requires_action" or intent["next_action"]["type"] not in PAGES:
        raise invalid(f"Nobody waits for the customer: {intent_id} is {intent['status']}.")
    method = tx.require("payment_method", intent["payment_method"])
    if kind == "setup_intent":
        _finish_setup(tx, intent, method, passed=passed)
    else:
        _finish_payment(tx, intent, method, passed=passed)
    outcomes.tell(tx, intent)
    return intent


def _finish_setup(tx: Tx, intent: Obj, method: Obj, *, passed: bool) -> None:
    if passed:
        succeed(tx, intent, method, card_of(method))
    else:
        fail_authentication(tx, intent, method)


def _finish_payment(tx: Tx, intent: Obj, method: Obj, *, passed: bool) -> None:
    if not passed:
        fail(tx, intent, failed(AUTHENTICATION_FAILED, "payment_intent_authentication_failure", method), charge=None)
        return
    if intent["confirmation_method"] == "manual":
        tx.put({"object": "sandbox.authenticated", "id": intent["id"], "payment_method": method["id"]})
        intent.update(status="requires_confirmation", next_action=None)
        tx.put(intent)
        return
    try:
        attempt(tx, intent, method, Circumstances(authenticated=True))
    except StripeError as refusal:  # the page shows the customer nothing of it; the failed charge stays
        if not refusal.commit:
            raise
