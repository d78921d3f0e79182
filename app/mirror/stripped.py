"""A Stripe object with nothing of the person in it: only what is named here is kept, so that a field Stripe adds later is not."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from app.mirror.fields import Obj

# Ids of other objects. Where Stripe sent the whole object, its id is kept.
_IDS = frozenset(
    {
        *("id", "customer", "charge", "payment_intent", "payment_method", "invoice", "subscription", "source", "review"),
        *("balance_transaction", "failure_balance_transaction", "latest_charge", "latest_invoice", "latest_attempt", "mandate"),
        *("single_use_mandate", "setup_intent", "pending_setup_intent", "default_payment_method", "default_source", "plan"),
        *("payment_link", "price", "product", "subscription_item", "schedule", "test_clock", "payout", "refund", "credit_note"),
        *("dispute", "invoice_item", "tax_rate", "rule", "original_transaction_id"),
    }
)  # fmt: skip
# Words of Stripe's own lists, and numbers the ledger is kept by.
_CODES = frozenset(
    {
        *("object", "type", "status", "currency", "reason", "brand", "network", "funding", "network_status", "decline_code"),
        *("network_decline_code", "network_advice_code", "advice_code", "network_reason_code", "risk_level", "failure_code"),
        *("failure_reason", "pending_reason", "cancellation_reason", "capture_method", "confirmation_method", "mode", "usage"),
        *("setup_future_usage", "payment_status", "billing_reason", "collection_method", "billing_scheme", "interval"),
        *("usage_type", "tax_behavior", "tax_exempt", "case_type", "submission_method", "reporting_category", "balance_type"),
        *("category", "fraud_type", "opened_reason", "closed_reason", "reference", "reference_status", "api_version", "number"),
        *("receipt_number", "allow_redisplay", "taxability_reason", "code", "param", "behavior", "feedback", "result", "version"),
        *("authentication_flow", "unit_amount_decimal", "stan", "payment_method_type", "amount_type", "proration_behavior"),
        "revocation_reason",
    }
)  # fmt: skip
_LISTS_OF_CODES = frozenset({"payment_method_types", "enhanced_eligibility_types"})
# What is looked into. The parts named after ways to pay hold brands and countries, and much that is not kept.
_INSIDE = frozenset(
    {
        *("outcome", "payment_method_details", "refunds", "data", "lines", "items", "balance_transactions", "fee_details"),
        *("evidence_details", "status_transitions", "period", "parent", "subscription_details", "invoice_item_details"),
        *("subscription_item_details", "pricing", "price_details", "payment", "payments", "destination_details", "recurring"),
        *("pause_collection", "total_taxes", "taxes", "tax_rate_details", "discount_amounts", "total_discount_amounts"),
        *("invoice_settings", "last_payment_error", "last_setup_error", "cancellation_details", "total_details", "charges"),
        *("automatic_tax", "three_d_secure", "customer_acceptance", "line_items", "transitions", "enhanced_eligibility"),
        *("card", "card_present", "sepa_debit", "bacs_debit", "us_bank_account", "ach_debit", "au_becs_debit", "acss_debit"),
        *("link", "klarna", "affirm", "afterpay_clearpay", "alipay", "wechat_pay", "ideal", "bancontact", "eps", "giropay"),
        *("p24", "sofort", "paypal", "cashapp", "multibanco", "blik", "pix", "oxxo", "boleto", "konbini", "twint", "zip"),
        *("customer_balance", "amazon_pay", "revolut_pay", "mobilepay", "swish", "grabpay", "fpx", "promptpay", "paynow"),
    }
)  # fmt: skip
# Of where somebody lives or was, the country stays: taxes and figures are told apart by it.
_ONLY_COUNTRY = frozenset({"billing_details", "address", "ip_address_location"})
_NUMBERS_OF_PERSONS = frozenset({"exp_month", "exp_year", "latitude", "longitude", "day", "month", "year"})
# An id that the shop chose itself is only let through where it names its own goods.
_ID = re.compile(r"[a-z]{1,12}(?:_test|_live)?_[A-Za-z0-9]{1,255}")
_OWN_IDS = frozenset({"price", "product", "plan"})
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,79}")
_COUNTRY = re.compile(r"[A-Z]{2}")
# Our own marks in Stripe's metadata, by which a promise finds its object.
_MARK = "counterfoil_"


def stripped(obj: Obj) -> Obj:
    """Ids, amounts, currencies, dates, states and codes of the object, and nothing else. Done twice, it changes nothing."""
    kept = {
        name: value for name, value in ((name, _kept(name, inner)) for name, inner in obj.items()) if value is not None
    }
    if isinstance(metadata := obj.get("metadata"), dict):
        kept["metadata"] = {key: value for key, value in metadata.items() if key.startswith(_MARK) and _is_uuid(value)}
    return kept


def stripped_event(event: Obj) -> Obj:
    """An event whose object is the person's: when what happened, and the object as `stripped` leaves it."""
    named = ("id", "object", "type", "created", "livemode", "api_version", "pending_webhooks", "account")
    kept = {name: event[name] for name in named if name in event}
    if isinstance(request := event.get("request"), dict):
        # The key of who asked may be made of anything.
        kept["request"] = {"id": request.get("id")}
    data = event.get("data")
    if isinstance(data, dict):
        kept["data"] = {
            name: stripped(data[name]) for name in ("object", "previous_attributes") if isinstance(data.get(name), dict)
        }
    return kept


def _kept(name: str, value: Any) -> Any:
    """What stays of one field; None is nothing."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return None if name in _NUMBERS_OF_PERSONS else value
    if isinstance(value, str):
        return value if _may_stay(name, value) else None
    if name in _IDS and isinstance(value, dict):
        return _kept(name, value.get("id"))
    if isinstance(value, dict):
        return _inside(name, value)
    return _listed(name, value) if isinstance(value, list) else None


def _may_stay(name: str, value: str) -> bool:
    if name == "country":
        return _COUNTRY.fullmatch(value) is not None
    if name in _IDS:
        return bool(_ID.fullmatch(value) or (name in _OWN_IDS and _CODE.fullmatch(value)))
    return name in _CODES and _CODE.fullmatch(value) is not None


def _inside(name: str, value: Obj) -> Obj | None:
    if name in _ONLY_COUNTRY:
        country = value.get("country") if name != "billing_details" else (value.get("address") or {}).get("country")
        found = _kept("country", country)
        kept = {"country": found} if found else {}
        return {"address": kept} if name == "billing_details" else kept
    return stripped(value) if name in _INSIDE else None


def _listed(name: str, value: list[Any]) -> list[Any] | None:
    if name in _LISTS_OF_CODES:
        return [one for one in value if isinstance(one, str) and _CODE.fullmatch(one)]
    if name not in _INSIDE:
        return None
    each: Callable[[Any], Any] = lambda one: stripped(one) if isinstance(one, dict) else _kept("id", one)  # noqa: E731
    return [kept for kept in map(each, value) if kept is not None]


def _is_uuid(value: object) -> bool:
    try:
        return str(UUID(str(value))) == value
    except ValueError:
        return False
