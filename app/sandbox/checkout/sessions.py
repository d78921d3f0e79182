"""Checkout Sessions over the API: a page on which somebody pays, saves a method or subscribes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox import expand
from app.sandbox.billing.prices import trial_days
from app.sandbox.checkout import ends, line_items, promotions, shape
from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.lists import RawJson
from app.sandbox.params import Obj, Params, allow, boolean, choice, hash_of, list_of, metadata
from app.sandbox.resources import method_types, shapes
from app.sandbox.resources.currencies import check_amount, known_currency
from app.sandbox.resources.inside import call
from app.sandbox.resources.payment_methods import live_customer
from app.sandbox.routes import route
from app.sandbox.tx import Tx

MODES = ("payment", "setup", "subscription")
KEPT_FOR_LATER = ("payment_intent_data", "setup_intent_data", "subscription_data", "payment_method_options")


@route("POST", "/v1/checkout/sessions")
def create(tx: Tx) -> Obj:
    params = tx.params
    strange = [name for name in params if name in shape.NOT_OFFERED and params[name]]
    if strange:
        raise invalid(f"The sandbox does not offer {strange[0]} yet.", param=strange[0])
    allow(params, *shape.CREATE_PARAMS, *shape.NOT_OFFERED, *method_types.WORDS)
    return make(tx, params, line_items.read(tx, list_of(params, "line_items")))


def make(tx: Tx, params: Params, lines: list[Obj]) -> Obj:
    """A new open session over these line items, stored with everything it needs to remember."""
    mode = choice(params, "mode", MODES)
    if mode is None:
        raise missing("mode")
    session = shape.blank(tx, params, mode)
    _apply_customer(tx, params, session)
    _apply_items(tx, params, session, lines)
    _apply_methods(tx, params, session)
    _apply_settings(params, session)
    kept = {name: hash_of(params, name) for name in KEPT_FOR_LATER}
    trial_days(kept["subscription_data"])  # said now, not when somebody has typed a card
    if mode == "setup":
        session["setup_intent"] = _setup_intent(tx, session, kept["setup_intent_data"])["id"]
        ends.tie(tx, session["setup_intent"], session)
    tx.put(session)
    tx.put({"object": "sandbox.session", "id": session["id"], "lines": lines, **kept})
    tx.later(session["expires_at"], "session_expires", session=session["id"])
    return session


@route("POST", "/v1/checkout/sessions/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *shape.CHANGEABLE)
    session = tx.require("checkout.session", id)
    session["metadata"] = metadata(tx.params, session["metadata"])
    collected = hash_of(tx.params, "collected_information")
    if "shipping_details" in collected:
        session["collected_information"]["shipping_details"] = shapes.shipping(collected["shipping_details"])
    tx.put(session)
    return session


@route("POST", "/v1/checkout/sessions/{id}/expire")
def expire(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params)
    session = tx.require("checkout.session", id)
    if session["status"] != "open":
        raise StripeError(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{session['status']}.",
        )
    ends.expire(tx, session)
    return session


@route("GET", "/v1/checkout/sessions/{id}/line_items")
def items(tx: Tx, id: str) -> Obj | RawJson:  # noqa: A002
    allow(tx.params, "limit", "starting_after", "ending_before")
    tx.require("checkout.session", id, lock=False)
    return line_items.as_list(tx, lines_of(tx, id), f"/v1/checkout/sessions/{id}/line_items")


@expand.made_list("checkout.session", "line_items")
def expanded_items(tx: Tx, session: Obj) -> Obj:
    return line_items.first_page(lines_of(tx, session["id"]), f"/v1/checkout/sessions/{session['id']}/line_items")


def lines_of(tx: Tx, session_id: str) -> list[Obj]:
    kept = tx.get("sandbox.session", session_id)
    return list(kept["lines"]) if kept else []


def _apply_customer(tx: Tx, params: Params, session: Obj) -> None:
    creation = choice(params, "customer_creation", ("always", "if_required"))
    if params.get("customer"):
        if session["customer_email"]:
            raise invalid("You may only specify one of these parameters: customer, customer_email.", param="customer")
        if creation:
            raise invalid("You may only specify one of these parameters: customer, customer_creation.")
        customer = live_customer(tx, str(params["customer"]), lock=False)
        session["customer"] = customer["id"]
        session["customer_details"] = ends.details(customer)
    elif session["mode"] == "payment":
        session["customer_creation"] = creation or "if_required"
    else:
        session["customer_creation"] = "always" if session["mode"] == "subscription" else creation


def _apply_items(tx: Tx, params: Params, session: Obj, lines: list[Obj]) -> None:
    if session["mode"] == "setup":
        session["currency"] = known_currency(str(params["currency"])) if params.get("currency") else None
        return
    if not lines:
        raise missing("line_items")
    _check_recurring(session["mode"], lines)
    currency = line_items.single_currency(lines)
    line_items.discounted(lines, promotions.given(tx, params, session, currency))
    session["currency"] = currency
    line_items.count(session, lines)
    if session["mode"] == "payment" and session["amount_total"]:
        check_amount(session["amount_total"], currency, "line_items")


def _check_recurring(mode: str, lines: list[Obj]) -> None:
    recurring = [line for line in lines if line["price"]["recurring"]]
    if mode == "payment" and recurring:
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only "
            "one-time prices.",
            param="line_items",
        )
    if mode == "subscription" and not recurring:
        raise invalid("You must provide at least one recurring price in `subscription` mode.", param="line_items")


def _apply_methods(tx: Tx, params: Params, session: Obj) -> None:
    choosing: Obj = {}
    method_types.choose(tx, params, choosing, currency=session["currency"], fresh=True)
    choosing.pop("automatic_payment_methods", None)
    session.update(choosing)
    options = hash_of(params, "payment_method_options")
    if "card" in session["payment_method_types"]:
        session["payment_method_options"] = {"card": {"request_three_d_secure": "automatic"}}
    for name, values in options.items():
        session["payment_method_options"].setdefault(name, {}).update(values if isinstance(values, dict) else {})


def _apply_settings(params: Params, session: Obj) -> None:
    if session["mode"] == "subscription":
        wish = choice(params, "payment_method_collection", ("always", "if_required"))
        session["payment_method_collection"] = wish or "always"
    elif session["mode"] == "payment":
        session["payment_method_collection"] = "if_required"
        if boolean(hash_of(params, "invoice_creation"), "enabled"):
            raise invalid("The sandbox does not offer invoice_creation yet.", param="invoice_creation")
        session["invoice_creation"] = {"enabled": False, "invoice_data": _invoice_data()}
    saved = hash_of(params, "saved_payment_method_options")
    if session["customer"] or saved:
        session["saved_payment_method_options"] = {
            "allow_redisplay_filters": [str(one) for one in list_of(saved, "allow_redisplay_filters")] or ["always"],
            "payment_method_remove": choice(saved, "payment_method_remove", ("disabled", "enabled")) or "disabled",
            "payment_method_save": choice(saved, "payment_method_save", ("disabled", "enabled")),
        }


def _invoice_data() -> Obj:
    names = ("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options")
    return {**dict.fromkeys(names), "metadata": {}}


def _setup_intent(tx: Tx, session: Obj, data: Mapping[str, Any]) -> Obj:
    wanted: Params = {"customer": session["customer"], "usage": "off_session", **data}
    wanted["allowed_payment_method_types"] = [name for name in session["payment_method_types"] if name != "link"]
    return call(tx, "POST", "/v1/setup_intents", wanted)
