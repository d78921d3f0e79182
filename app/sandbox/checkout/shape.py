"""A Checkout Session as it is when it is made: every field of the SDK's type, filled from the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.params import Obj, Params, boolean, choice, hash_of, hashes_of, integer, list_of, metadata, text
from app.sandbox.tx import Tx

HOUR = 3_600
UI_MODES = ("hosted_page", "embedded_page", "form", "elements")
OLD_UI_MODES = {"hosted": "hosted_page", "embedded": "embedded_page", "custom": "elements"}
SUBMIT_TYPES = ("auto", "book", "donate", "pay", "subscribe")
CHANGEABLE = ("metadata", "collected_information", "shipping_options")
CREATE_PARAMS = (
    "after_expiration", "allow_promotion_codes", "billing_address_collection", "branding_settings", "cancel_url",
    "client_reference_id", "consent_collection", "currency", "custom_fields", "custom_text", "customer",
    "customer_creation", "customer_email", "customer_update", "discounts", "expires_at", "integration_identifier",
    "invoice_creation", "line_items", "locale", "metadata", "mode", "origin_context", "payment_intent_data",
    "payment_method_collection", "payment_method_options", "permissions", "phone_number_collection",
    "redirect_on_completion", "return_url", "saved_payment_method_options", "setup_intent_data",
    "shipping_address_collection", "submit_type", "subscription_data", "success_url", "ui_mode", "wallet_options",
)  # fmt: skip
NOT_OFFERED = (
    "adaptive_pricing", "automatic_tax", "managed_payments", "name_collection", "optional_items", "shipping_options",
    "tax_id_collection", "payment_method_data", "customer_account",
)  # fmt: skip


def blank(tx: Tx, params: Params, mode: str) -> Obj:
    """The session before anybody bought anything; items, amounts and intents are the caller's."""
    session_id = tx.new_id("cs_test_a1", 56)
    ui_mode = _ui_mode(params)
    hosted = ui_mode == "hosted_page"
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": boolean(params, "allow_promotion_codes"),
        "allowed_payment_method_types": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": choice(params, "billing_address_collection", ("auto", "required")),
        "cancel_url": _url(params, "cancel_url"),
        "client_reference_id": text(params, "client_reference_id", limit=200),
        "client_secret": None if hosted else f"{session_id}_secret_{tx.new_id('', 40)}",
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
        "consent": None,
        "consent_collection": consent(hash_of(params, "consent_collection")),
        "created": tx.now,
        "currency": None,
        "currency_conversion": None,
        "custom_fields": custom_fields(params),
        "custom_text": custom_text(hash_of(params, "custom_text")),
        "customer": None,
        "customer_account": None,
        "customer_creation": None,
        "customer_details": None,
        "customer_email": text(params, "customer_email", limit=800),
        "discounts": [],
        "excluded_payment_method_types": None,
        "expires_at": _expires_at(tx, params),
        "integration_identifier": text(params, "integration_identifier"),
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": text(params, "locale"),
        "metadata": metadata(params),
        "mode": mode,
        "origin_context": choice(params, "origin_context", ("mobile_app", "web")),
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": [],
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": boolean(hash_of(params, "phone_number_collection"), "enabled") is True},
        "recovered_from": None,
        **({} if hosted else {"redirect_on_completion": "always", "return_url": _url(params, "return_url")}),
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": countries(hash_of(params, "shipping_address_collection")),
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": choice(params, "submit_type", SUBMIT_TYPES),
        "subscription": None,
        "success_url": _url(params, "success_url") if hosted else None,
        "total_details": None,
        "ui_mode": ui_mode,
        "url": tx.page(f"/c/pay/{session_id}") if hosted else None,
        "wallet_options": None,
    }


def custom_fields(params: Params) -> list[Obj]:
    """Up to three questions of the shop: text, numeric or dropdown."""
    given = hashes_of(params, "custom_fields")
    if len(given) > 3:
        raise invalid("You may only have up to 3 custom fields.", param="custom_fields")
    return [_custom_field(one, f"custom_fields[{number}]") for number, one in enumerate(given)]


def _custom_field(given: Mapping[str, Any], param: str) -> Obj:
    kind = choice(given, "type", ("dropdown", "numeric", "text"))
    if kind is None or not text(given, "key", limit=200):
        raise missing(f"{param}[{'type' if kind is None else 'key'}]")
    shape: Obj = {"default_value": None, "value": None}
    if kind == "dropdown":
        options = hashes_of(hash_of(given, "dropdown"), "options")
        shape["options"] = [{"label": one.get("label"), "value": one.get("value")} for one in options]
    else:
        shape |= {"maximum_length": None, "minimum_length": None}
    return {
        "key": given["key"],
        "label": {"custom": text(hash_of(given, "label"), "custom", limit=50), "type": "custom"},
        "optional": boolean(given, "optional") is True,
        "type": kind,
        kind: shape,
    }


def _ui_mode(params: Params) -> str:
    given = text(params, "ui_mode")
    known = OLD_UI_MODES.get(given or "", given) or "hosted_page"
    if known not in UI_MODES:
        raise invalid(f"Invalid ui_mode: must be one of {', '.join(UI_MODES)}", param="ui_mode")
    needed = "success_url" if known == "hosted_page" else "return_url"
    if not params.get(needed):
        raise missing(needed)
    return known


def _url(params: Params, name: str) -> str | None:
    given = text(params, name)
    if given is not None and (urlsplit(given).scheme not in ("http", "https") or not urlsplit(given).netloc):
        raise StripeError("Not a valid URL", code="url_invalid", param=name)
    return given


def _expires_at(tx: Tx, params: Params) -> int:
    wanted = integer(params, "expires_at")
    if wanted is None:
        return tx.now + 24 * HOUR
    if not tx.now + HOUR // 2 - 60 <= wanted <= tx.now + 24 * HOUR + 60:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return wanted


def consent(given: Mapping[str, Any]) -> Obj | None:
    if not given:
        return None
    return {
        "payment_method_reuse_agreement": None,
        "promotions": choice(given, "promotions", ("auto", "none")),
        "terms_of_service": choice(given, "terms_of_service", ("none", "required")),
    }


def custom_text(given: Mapping[str, Any]) -> Obj:
    names = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    told = {name: text(hash_of(given, name), "message", limit=1200) for name in names}
    return {name: {"message": words} if words else None for name, words in told.items()}


def countries(given: Mapping[str, Any]) -> Obj | None:
    allowed = [str(one) for one in list_of(given, "allowed_countries")]
    return {"allowed_countries": allowed} if allowed else None
