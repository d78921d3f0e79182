"""PaymentIntents over the API: created, changed, confirmed, captured, canceled."""

from __future__ import annotations

from app.sandbox.errors import missing
from app.sandbox.params import Obj, Params, allow, boolean, choice, hash_of, integer, metadata, text
from app.sandbox.resources import intent_moves, intent_states, method_types, shapes
from app.sandbox.resources.confirming import CONFIRM_PARAMS, confirm, given_method
from app.sandbox.resources.currencies import check_amount, known_currency
from app.sandbox.resources.payment_methods import live_customer
from app.sandbox.routes import route
from app.sandbox.tx import Tx

CHANGEABLE = (
    "amount", "amount_details", "application_fee_amount", "capture_method", "currency", "customer", "customer_account",
    "description", "hooks", "metadata", "payment_details", "payment_method", "payment_method_data",
    "payment_method_options", "receipt_email", "setup_future_usage", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_data", "transfer_group", *method_types.WORDS,
)  # fmt: skip
CREATE_PARAMS = (*CHANGEABLE, *CONFIRM_PARAMS, "confirm", "confirmation_method", "on_behalf_of", "radar_options")
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
CARD_OPTIONS: Obj = {
    "installments": None,
    "mandate_options": None,
    "network": None,
    "request_three_d_secure": "automatic",
}
TEXTS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group")


@route("POST", "/v1/payment_intents")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(params, *CREATE_PARAMS)
    amount = integer(params, "amount")
    if amount is None:
        raise missing("amount")
    if not params.get("currency"):
        raise missing("currency")
    currency = known_currency(str(params["currency"]))
    check_amount(amount, currency)
    intent = blank(tx, amount, currency)
    method_types.choose(tx, params, intent, currency=currency, fresh=True)
    _apply(tx, params, intent)
    confirms = boolean(params, "confirm")
    method = given_method(tx, params, intent)
    tx.emit("payment_intent.created", intent)
    if confirms:
        confirm(tx, intent, method)
    else:
        tx.put(intent)
    return intent


@route("POST", "/v1/payment_intents/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(params, *CHANGEABLE)
    intent = tx.require("payment_intent", id)
    intent_states.check_update(intent, params)
    if "currency" in params:
        intent["currency"] = known_currency(str(params["currency"]))
    if "amount" in params or "currency" in params:
        amount = integer(params, "amount")
        intent["amount"] = intent["amount"] if amount is None else amount
        check_amount(intent["amount"], intent["currency"])
    method_types.choose(tx, params, intent, currency=intent["currency"], fresh=False)
    _apply(tx, params, intent)
    given_method(tx, params, intent)
    tx.put(intent)
    return intent


@route("POST", "/v1/payment_intents/{id}/confirm")
def confirm_route(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(params, *CHANGEABLE, *CONFIRM_PARAMS, "amount_to_confirm", "radar_options")
    intent = tx.require("payment_intent", id)
    intent_states.check_confirm(intent)
    method_types.choose(tx, params, intent, currency=intent["currency"], fresh=False)
    _apply(tx, params, intent)
    confirm(tx, intent, given_method(tx, params, intent))
    return intent


@route("POST", "/v1/payment_intents/{id}/capture")
def capture(tx: Tx, id: str) -> Obj:  # noqa: A002
    params = tx.params
    allow(
        params, "amount_to_capture", "application_fee_amount", "final_capture", "metadata", "statement_descriptor",
        "statement_descriptor_suffix", "transfer_data", "amount_details", "payment_details", "hooks",
    )  # fmt: skip
    intent = tx.require("payment_intent", id)
    amount = integer(params, "amount_to_capture", least=1)
    intent_states.check_capture(intent, amount)
    intent["metadata"] = metadata(params, intent["metadata"])
    charge = tx.require("charge", intent["latest_charge"])
    intent_moves.capture(tx, intent, charge, intent["amount_capturable"] if amount is None else amount)
    return intent


@route("POST", "/v1/payment_intents/{id}/cancel")
def cancel(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "cancellation_reason")
    reason = choice(tx.params, "cancellation_reason", REASONS)
    intent = tx.require("payment_intent", id)
    intent_states.check_cancel(intent)
    if intent["status"] == "requires_capture":
        charge = tx.require("charge", intent["latest_charge"])
        intent_moves.cancel_held(tx, intent, charge, reason=reason)
    else:
        intent_moves.end(tx, intent, reason)
    return intent


def _apply(tx: Tx, params: Params, intent: Obj) -> None:
    """Everything that may be set at creation, on update and while confirming."""
    for name in TEXTS:
        if name in params:
            intent[name] = text(params, name)
    if params.get("customer"):
        intent["customer"] = live_customer(tx, str(params["customer"]), lock=False)["id"]
    if "shipping" in params:
        intent["shipping"] = shapes.shipping(params["shipping"])
    if "setup_future_usage" in params:
        intent["setup_future_usage"] = choice(params, "setup_future_usage", ("off_session", "on_session"))
    intent["capture_method"] = choice(params, "capture_method", CAPTURE_METHODS) or intent["capture_method"]
    way = choice(params, "confirmation_method", ("automatic", "manual"))
    intent["confirmation_method"] = way or intent["confirmation_method"]
    intent["metadata"] = metadata(params, intent["metadata"])
    _apply_options(params, intent)


def _apply_options(params: Params, intent: Obj) -> None:
    given = hash_of(params, "payment_method_options")
    options = {name: dict(intent["payment_method_options"].get(name, {})) for name in intent["payment_method_types"]}
    if "card" in options:
        options["card"] = CARD_OPTIONS | options["card"]
    for name, values in given.items():
        if name in options and isinstance(values, dict):
            options[name].update(values)
    intent["payment_method_options"] = options


def blank(tx: Tx, amount: int, currency: str) -> Obj:
    """A PaymentIntent that nothing was said about yet."""
    intent_id = tx.new_id("pi_")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{tx.new_id('')}",
        "confirmation_method": "automatic",
        "created": tx.now,
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": [],
        "payment_record": None,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
