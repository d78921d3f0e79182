"""Payment links: an address that starts a fresh Checkout Session for everybody who opens it."""

from __future__ import annotations

from app.sandbox import expand
from app.sandbox.billing.prices import trial_days
from app.sandbox.checkout import line_items, sessions
from app.sandbox.checkout.shape import SUBMIT_TYPES, consent, countries, custom_fields, custom_text
from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.lists import RawJson
from app.sandbox.params import Obj, Params, allow, boolean, choice, hash_of, integer, list_of, metadata, text
from app.sandbox.resources.inside import as_params
from app.sandbox.resources.method_types import KNOWN
from app.sandbox.routes import route
from app.sandbox.tx import Tx

CHANGEABLE = (
    "active", "after_completion", "allow_promotion_codes", "billing_address_collection", "custom_fields", "custom_text",
    "customer_creation", "inactive_message", "line_items", "metadata", "payment_intent_data",
    "payment_method_collection", "payment_method_types", "phone_number_collection", "restrictions",
    "shipping_address_collection", "submit_type", "subscription_data",
)  # fmt: skip
CREATE_PARAMS = (*CHANGEABLE, "currency", "consent_collection")
NOT_OFFERED = (
    "application_fee_amount", "application_fee_percent", "automatic_tax", "invoice_creation", "managed_payments",
    "name_collection", "on_behalf_of", "optional_items", "payment_method_options", "shipping_options",
    "tax_id_collection", "transfer_data",
)  # fmt: skip
INACTIVE = "This payment link is no longer active."


@route("POST", "/v1/payment_links")
def create(tx: Tx) -> Obj:
    params = tx.params
    _refuse_unknown(params, *CREATE_PARAMS)
    if not list_of(params, "line_items"):
        raise missing("line_items")
    lines = line_items.read(tx, list_of(params, "line_items"))
    link_id = tx.new_id("plink_")
    link = _blank(tx, link_id, line_items.single_currency(lines))
    link["consent_collection"] = consent(hash_of(params, "consent_collection"))
    _apply(params, link)
    recurring = any(line["price"]["recurring"] for line in lines)
    link["payment_method_collection"] = (
        choice(params, "payment_method_collection", ("always", "if_required")) or link["payment_method_collection"]
    )
    if recurring and link["payment_intent_data"]:
        raise invalid("You can only use payment_intent_data with one-time prices.", param="payment_intent_data")
    tx.put(link)
    tx.put(
        {"object": "sandbox.link", "id": link_id, "lines": lines, "mode": "subscription" if recurring else "payment"}
    )
    tx.emit("payment_link.created", link)
    return link


@route("POST", "/v1/payment_links/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    _refuse_unknown(tx.params, *CHANGEABLE)
    link = tx.require("payment_link", id)
    before = dict(link)
    active = boolean(tx.params, "active")
    link["active"] = link["active"] if active is None else active
    _apply(tx.params, link)
    tx.put(link)
    tx.emit("payment_link.updated", link, {name: old for name, old in before.items() if link[name] != old})
    return link


@route("GET", "/v1/payment_links/{id}/line_items")
def items(tx: Tx, id: str) -> Obj | RawJson:  # noqa: A002
    allow(tx.params, "limit", "starting_after", "ending_before")
    tx.require("payment_link", id, lock=False)
    return line_items.as_list(tx, _lines(tx, id), f"/v1/payment_links/{id}/line_items")


@expand.made_list("payment_link", "line_items")
def expanded_items(tx: Tx, link: Obj) -> Obj:
    return line_items.first_page(_lines(tx, link["id"]), f"/v1/payment_links/{link['id']}/line_items")


def open_session(tx: Tx, link_id: str, asked: Params) -> Obj:
    """Somebody opened the link: a new Checkout Session. `asked` may hold client_reference_id and prefilled_email."""
    link = tx.require("payment_link", link_id)
    limit = (link["restrictions"] or {}).get("completed_sessions")
    if not link["active"] or (limit and limit["count"] >= limit["limit"]):
        raise StripeError(link["inactive_message"] or INACTIVE, status=410)
    kept = tx.require("sandbox.link", link_id)
    session = sessions.make(
        tx, _session_params(tx, link, kept["mode"], asked), [_fresh(tx, line) for line in kept["lines"]]
    )
    session["payment_link"] = link_id
    tx.put(session)
    return session


def _session_params(tx: Tx, link: Obj, mode: str, asked: Params) -> Params:
    after = link["after_completion"]
    thanks = after["redirect"]["url"] if after["type"] == "redirect" else tx.page(f"/b/{link['id']}/thanks")
    params: Params = {
        "mode": mode,
        "success_url": thanks,
        "allow_promotion_codes": "true" if link["allow_promotion_codes"] else None,
        "billing_address_collection": link["billing_address_collection"],
        "client_reference_id": asked.get("client_reference_id"),
        "consent_collection": as_params(link["consent_collection"] or {}),
        "custom_fields": as_params(link["custom_fields"]),
        "custom_text": as_params(link["custom_text"]),
        "customer_email": asked.get("prefilled_email"),
        "metadata": link["metadata"],
        "phone_number_collection": as_params(link["phone_number_collection"]),
        "shipping_address_collection": link["shipping_address_collection"] or {},
        "submit_type": link["submit_type"],
    }
    types = [name for name in link["payment_method_types"] or [] if name in KNOWN]
    if types:
        params["allowed_payment_method_types"] = types
    if mode == "payment":
        params |= {
            "customer_creation": link["customer_creation"],
            "payment_intent_data": link["payment_intent_data"] or {},
        }
    else:
        params["subscription_data"] = link["subscription_data"] or {}
    return {name: value for name, value in params.items() if value not in (None, {}, [])}


def _fresh(tx: Tx, line: Obj) -> Obj:
    return {**line, "id": tx.new_id("li_")}


def _lines(tx: Tx, link_id: str) -> list[Obj]:
    return list(tx.require("sandbox.link", link_id, lock=False)["lines"])


def _refuse_unknown(params: Params, *known: str) -> None:
    strange = [name for name in params if name in NOT_OFFERED and params[name]]
    if strange:
        raise invalid(f"The sandbox does not offer {strange[0]} yet.", param=strange[0])
    allow(params, *known, *NOT_OFFERED)


def _apply(params: Params, link: Obj) -> None:
    link["metadata"] = metadata(params, link["metadata"])
    if "inactive_message" in params:
        link["inactive_message"] = text(params, "inactive_message", limit=500)
    if "allow_promotion_codes" in params:
        link["allow_promotion_codes"] = boolean(params, "allow_promotion_codes") is True
    if "after_completion" in params:
        link["after_completion"] = _after(hash_of(params, "after_completion"))
    for name, options in (
        ("billing_address_collection", ("auto", "required")),
        ("customer_creation", ("always", "if_required")),
        ("submit_type", SUBMIT_TYPES),
    ):
        link[name] = choice(params, name, options) or link[name]
    if "custom_fields" in params:
        link["custom_fields"] = custom_fields(params)
    if "custom_text" in params:
        link["custom_text"] = custom_text(hash_of(params, "custom_text"))
    if "phone_number_collection" in params:
        enabled = boolean(hash_of(params, "phone_number_collection"), "enabled") is True
        link["phone_number_collection"] = {"enabled": enabled}
    if "shipping_address_collection" in params:
        link["shipping_address_collection"] = countries(hash_of(params, "shipping_address_collection"))
    if "payment_method_types" in params:
        link["payment_method_types"] = [str(one) for one in list_of(params, "payment_method_types")] or None
    _apply_data(params, link)


def _apply_data(params: Params, link: Obj) -> None:
    limit = integer(hash_of(hash_of(params, "restrictions"), "completed_sessions"), "limit", least=1)
    if "restrictions" in params:
        so_far = ((link["restrictions"] or {}).get("completed_sessions") or {"count": 0})["count"]
        link["restrictions"] = {"completed_sessions": {"count": so_far, "limit": limit}} if limit else None
    given = hash_of(params, "payment_intent_data")
    if given:
        names = ("capture_method", "description", "setup_future_usage", "statement_descriptor")
        more = ("statement_descriptor_suffix", "transfer_group")
        link["payment_intent_data"] = {
            **{name: given.get(name) for name in (*names, *more)},
            "metadata": metadata(given),
        }
    given = hash_of(params, "subscription_data")
    if given:
        link["subscription_data"] = {
            "description": text(given, "description"),
            "invoice_settings": {"issuer": {"type": "self"}},
            "metadata": metadata(given),
            "trial_period_days": trial_days(given),
            "trial_settings": None,
        }


def _after(given: Params) -> Obj:
    kind = choice(given, "type", ("hosted_confirmation", "redirect")) or "hosted_confirmation"
    if kind == "redirect":
        url = text(hash_of(given, "redirect"), "url")
        if url is None or not url.startswith(("http://", "https://")):
            raise StripeError("Not a valid URL", code="url_invalid", param="after_completion[redirect][url]")
        return {"redirect": {"url": url}, "type": kind}
    message = text(hash_of(given, "hosted_confirmation"), "custom_message", limit=500)
    return {"hosted_confirmation": {"custom_message": message}, "type": kind}


def _blank(tx: Tx, link_id: str, currency: str) -> Obj:
    return {
        "id": link_id,
        "object": "payment_link",
        "active": True,
        "after_completion": {"hosted_confirmation": {"custom_message": None}, "type": "hosted_confirmation"},
        "allow_promotion_codes": False,
        "application": None,
        "application_fee_amount": None,
        "application_fee_percent": None,
        "automatic_tax": {"enabled": False, "liability": None},
        "billing_address_collection": "auto",
        "consent_collection": None,
        "currency": currency,
        "custom_fields": [],
        "custom_text": custom_text({}),
        "customer_creation": "if_required",
        "inactive_message": None,
        "invoice_creation": None,
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "payment_intent_data": None,
        "payment_method_collection": "always",
        "payment_method_options": None,
        "payment_method_types": None,
        "phone_number_collection": {"enabled": False},
        "restrictions": None,
        "shipping_address_collection": None,
        "shipping_options": [],
        "submit_type": "auto",
        "subscription_data": None,
        "tax_id_collection": {"enabled": False, "required": "never"},
        "transfer_data": None,
        "url": tx.page(f"/b/{link_id}"),
    }
