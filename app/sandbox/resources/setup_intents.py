"""SetupIntents over the API: a method is prepared for later, without taking money."""

from __future__ import annotations

from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj, Params, allow, boolean, choice, hash_of, metadata, text
from app.sandbox.resources import method_types
from app.sandbox.resources.confirming import check_owner
from app.sandbox.resources.method_making import build, resolve
from app.sandbox.resources.payment_methods import live_customer
from app.sandbox.resources.setup_attempts import set_up
from app.sandbox.routes import route
from app.sandbox.tx import Tx
from app.sandbox.versions import at_least

CHANGEABLE = (
    "attach_to_self", "customer", "customer_account", "description", "flow_directions", "metadata", "payment_method",
    "payment_method_data", "payment_method_options", *method_types.WORDS,
)  # fmt: skip
CONFIRM_PARAMS = ("confirmation_token", "mandate_data", "return_url", "use_stripe_sdk")
CREATE_PARAMS = (*CHANGEABLE, *CONFIRM_PARAMS, "confirm", "on_behalf_of", "single_use", "usage")
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
REASONS = ("abandoned", "requested_by_customer", "duplicate")


@route("POST", "/v1/setup_intents")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(params, *CREATE_PARAMS)
    intent = blank(tx)
    intent["usage"] = choice(params, "usage", ("off_session", "on_session")) or "off_session"
    method_types.choose(tx, params, intent, currency=None, fresh=True)
    _apply(tx, params, intent)
    confirms = boolean(params, "confirm")
    method = _given_method(tx, params, intent)
    tx.emit("setup_intent.created", intent)
    if confirms:
        _confirm(tx, intent, method)
    else:
        tx.put(intent)
    return intent


@route("POST", "/v1/setup_intents/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *CHANGEABLE)
    intent = tx.require("setup_intent", id)
    if intent["status"] not in OPEN and set(tx.params) - {"metadata", "description"}:
        raise _unexpected(intent, f"You cannot update this SetupIntent because it has a status of {intent['status']}.")
    method_types.choose(tx, tx.params, intent, currency=None, fresh=False)
    _apply(tx, tx.params, intent)
    _given_method(tx, tx.params, intent)
    tx.put(intent)
    return intent


@route("POST", "/v1/setup_intents/{id}/confirm")
def confirm(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *CHANGEABLE, *CONFIRM_PARAMS)
    intent = tx.require("setup_intent", id)
    if intent["status"] == "succeeded":
        raise _unexpected(intent, "You cannot confirm this SetupIntent because it has already succeeded.")
    if intent["status"] not in OPEN:
        raise _unexpected(intent, f"You cannot confirm this SetupIntent because it has a status of {intent['status']}.")
    method_types.choose(tx, tx.params, intent, currency=None, fresh=False)
    _apply(tx, tx.params, intent)
    _confirm(tx, intent, _given_method(tx, tx.params, intent))
    return intent


@route("POST", "/v1/setup_intents/{id}/cancel")
def cancel(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "cancellation_reason")
    reason = choice(tx.params, "cancellation_reason", REASONS)
    intent = tx.require("setup_intent", id)
    if intent["status"] not in OPEN:
        raise _unexpected(
            intent,
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent with one "
            f"of the following statuses may be canceled: {', '.join(OPEN)}.",
        )
    intent.update(status="canceled", cancellation_reason=reason, next_action=None)
    tx.put(intent)
    tx.emit("setup_intent.canceled", intent)
    return intent


def _confirm(tx: Tx, intent: Obj, method: Obj | None) -> None:
    if intent["payment_method"] is None:
        raise _unexpected(intent, "You cannot confirm this SetupIntent because it's missing a payment method.")
    if method is None:
        method = resolve(tx, intent["payment_method"])
        check_owner(tx, intent, method)
        method_types.check_fits(intent, method, "SetupIntent")
    return_url = text(tx.params, "return_url")
    # Callers of older versions get through without it, Stripe's own CLI among them.
    if return_url is None and method_types.may_redirect(intent) and at_least(tx.api_version, "2026-09-30"):
        raise StripeError(
            method_types.NEEDS_RETURN_URL.format(intent="SetupIntent"),
            code="setup_intent_invalid_parameter",
            param="return_url",
            setup_intent=intent,
        )
    set_up(tx, intent, method, return_url=return_url, mandate_data=tx.params.get("mandate_data"))


def _given_method(tx: Tx, params: Params, intent: Obj) -> Obj | None:
    data, named = hash_of(params, "payment_method_data"), text(params, "payment_method")
    if data:
        method = build(tx, data, "payment_method_data")
        tx.put(method)
    elif named:
        method = resolve(tx, named)
    else:
        return None
    check_owner(tx, intent, method)
    method_types.check_fits(intent, method, "SetupIntent")
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"
    return method


def _apply(tx: Tx, params: Params, intent: Obj) -> None:
    if "description" in params:
        intent["description"] = text(params, "description")
    if params.get("customer"):
        intent["customer"] = live_customer(tx, str(params["customer"]), lock=False)["id"]
    if "attach_to_self" in params:
        intent["attach_to_self"] = boolean(params, "attach_to_self")
    intent["metadata"] = metadata(params, intent["metadata"])
    if intent["attach_to_self"] and intent["customer"]:
        raise invalid("You cannot use attach_to_self together with a customer.", param="attach_to_self")


def _unexpected(intent: Obj, message: str) -> StripeError:
    return StripeError(message, code="setup_intent_unexpected_state", setup_intent=intent)


def blank(tx: Tx) -> Obj:
    """A SetupIntent that nothing was said about yet."""
    intent_id = tx.new_id("seti_")
    return {
        "id": intent_id,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "attach_to_self": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{intent_id}_secret_{tx.new_id('', 30)}",
        "created": tx.now,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": [],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
