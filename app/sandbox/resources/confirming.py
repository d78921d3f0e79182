"""Confirming a PaymentIntent: find the method, check that everything is there, then try to take the money."""

from __future__ import annotations

from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj, Params, boolean, hash_of, text
from app.sandbox.resources import intent_states, mandates, method_types
from app.sandbox.resources.attempts import Circumstances, attempt
from app.sandbox.resources.method_making import build, resolve
from app.sandbox.resources.saving import SPENT, is_spent
from app.sandbox.tx import Tx

CONFIRM_PARAMS = (
    "confirmation_token", "error_on_requires_action", "mandate", "mandate_data", "off_session", "return_url",
    "use_stripe_sdk",
)  # fmt: skip


def given_method(tx: Tx, params: Params, intent: Obj) -> Obj | None:
    """The PaymentMethod this request names or describes, tied to the intent; None when it speaks of none."""
    method = _named(tx, params)
    if method is None:
        return None
    check_owner(tx, intent, method)
    method_types.check_fits(intent, method, "PaymentIntent")
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"
    return method


def confirm(tx: Tx, intent: Obj, method: Obj | None) -> None:
    """Leaves the intent stored in its next status; a decline raises the card error, and what was written stays."""
    params = tx.params
    intent_states.check_has_method(intent)
    if method is None:
        method = resolve(tx, intent["payment_method"])
        check_owner(tx, intent, method)
        method_types.check_fits(intent, method, "PaymentIntent")
    return_url = text(params, "return_url")
    if return_url is None and method_types.may_redirect(intent):
        raise StripeError(
            method_types.NEEDS_RETURN_URL.format(intent="PaymentIntent"),
            code="payment_intent_invalid_parameter",
            param="return_url",
            payment_intent=intent,
        )
    done = tx.get("sandbox.authenticated", intent["id"])
    attempt(
        tx,
        intent,
        method,
        Circumstances(
            off_session=text(params, "off_session") not in (None, "false"),
            error_on_action=boolean(params, "error_on_requires_action") is True,
            authenticated=done is not None and done["payment_method"] == method["id"],
            return_url=return_url,
            mandate=_mandate(tx, intent, method),
            three_d_secure=_wish(intent),
        ),
    )


def check_owner(tx: Tx, intent: Obj, method: Obj) -> None:
    """A saved method is its customer's alone; a used one is nobody's."""
    owner = method["customer"]
    if owner is not None and intent["customer"] is None:
        raise invalid(
            f"The PaymentMethod {method['id']} is attached to a customer, so for security purposes you must provide the "
            "customer in the request.",
            param="payment_method",
        )
    if owner is not None and owner != intent["customer"]:
        raise invalid(
            f"The customer does not have a payment method with the ID {method['id']}. The payment method must be attached "
            "to the customer.",
            param="payment_method",
        )
    if is_spent(tx, method):
        raise invalid(SPENT, code="payment_method_unexpected_state", param="payment_method")


def _named(tx: Tx, params: Params) -> Obj | None:
    data = hash_of(params, "payment_method_data")
    if data:
        method = build(tx, data, "payment_method_data")
        tx.put(method)
        return method
    named = text(params, "payment_method")
    return resolve(tx, named) if named else None


def _mandate(tx: Tx, intent: Obj, method: Obj) -> str | None:
    chosen = text(tx.params, "mandate")
    if chosen:
        return str(mandates.named(tx, chosen)["id"])
    reusable = intent["setup_future_usage"] == "off_session" or method["customer"] is not None
    agreed = mandates.agree(
        tx,
        method,
        tx.params.get("mandate_data"),
        reusable=reusable,
        once=(intent["amount"], intent["currency"]),
    )
    return agreed["id"] if agreed else None


def _wish(intent: Obj) -> str:
    card = intent["payment_method_options"].get("card") or {}
    return str(card.get("request_three_d_secure") or "automatic")
