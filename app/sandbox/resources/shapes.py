"""Parts that several objects share, with every field that Stripe sends, empty ones too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.params import Obj
from app.sandbox.resources.cards import TestCard

ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
STATEMENT = "SANDBOX SHOP"


def address(given: Any) -> Obj | None:
    """A full address from whatever fields were given; None when nothing was."""
    if not isinstance(given, Mapping) or not given:
        return None
    return {name: given.get(name) or None for name in ADDRESS}


def billing_details(given: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> Obj:
    before = old or {}
    home = dict(before.get("address") or dict.fromkeys(ADDRESS))
    if isinstance(given.get("address"), Mapping):
        home.update({name: given["address"].get(name) or None for name in given["address"] if name in ADDRESS})
    details: Obj = {"address": home}
    for name in ("email", "name", "phone", "tax_id"):
        details[name] = (given[name] or None) if name in given else before.get(name)
    return details


def shipping(given: Any) -> Obj | None:
    if not isinstance(given, Mapping) or not given:
        return None
    return {
        "address": address(given.get("address")) or dict.fromkeys(ADDRESS),
        "carrier": given.get("carrier") or None,
        "name": given.get("name") or None,
        "phone": given.get("phone") or None,
        "tracking_number": given.get("tracking_number") or None,
    }


def card_checks(card: TestCard, billing: Mapping[str, Any], *, has_cvc: bool) -> Obj:
    """What the bank said about address and code; null for what was not given."""
    told = dict(card.checks)
    home = billing.get("address") or {}
    return {
        "address_line1_check": told.get("address_line1", "pass") if home.get("line1") else None,
        "address_postal_code_check": told.get("address_postal_code", "pass") if home.get("postal_code") else None,
        "cvc_check": told.get("cvc", "pass") if has_cvc else None,
    }


def method_card(card: TestCard, *, month: int, year: int, checks: Obj) -> Obj:
    """`payment_method.card`"""
    return {
        "brand": card.brand,
        "checks": checks,
        "country": card.country,
        "display_brand": "american_express" if card.brand == "amex" else card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "regulated" if card.funding == "debit" and card.country == "US" else "unregulated",
        "three_d_secure_usage": {"supported": card.brand in ("visa", "mastercard", "amex")},
        "wallet": None,
    }


def charge_method_details(
    method: Obj, *, amount: int, held_until: int | None, mandate: str | None, secured: Obj | None
) -> Obj:
    """`charge.payment_method_details` of a payment with this PaymentMethod."""
    kind = method["type"]
    if kind == "card":
        return {
            "card": _charged_card(method["card"], amount, held_until=held_until, mandate=mandate, secured=secured),
            "type": kind,
        }
    if kind == "sepa_debit":
        bank = {
            name: method["sepa_debit"][name] for name in ("bank_code", "branch_code", "country", "fingerprint", "last4")
        }
        return {"sepa_debit": {**bank, "expected_debit_date": None, "mandate": mandate}, "type": kind}
    if kind == "us_bank_account":
        names = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
        bank = {name: method["us_bank_account"][name] for name in names}
        more = {"expected_debit_date": None, "mandate": mandate, "payment_reference": None}
        return {"us_bank_account": {**bank, **more}, "type": kind}
    if kind == "bacs_debit":
        return {"bacs_debit": {**method["bacs_debit"], "expected_debit_date": None, "mandate": mandate}, "type": kind}
    return {kind: {}, "type": kind}


def _charged_card(card: Obj, amount: int, *, held_until: int | None, mandate: str | None, secured: Obj | None) -> Obj:
    kept = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
    )
    return {
        **{name: card[name] for name in kept},
        "amount_authorized": amount,
        "authorization_code": "123456",
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": mandate,
        "multicapture": {"status": "unavailable"},
        "network": card["networks"]["available"][0],
        "network_token": {"used": False},
        "network_transaction_id": "104102978678771" if card["brand"] == "visa" else None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "setup_credential_usage": None,
        "stored_credential_usage": None,
        "three_d_secure": secured,
        "transaction_link_id": None,
        "wallet": None,
        **({"capture_before": held_until} if held_until else {}),
    }


def three_d_secure(flow: str) -> Obj:
    """The record of a passed authentication; `flow` is challenge or frictionless."""
    return {
        "authentication_flow": flow,
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "exemption_indicator_applied": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": "5ea9ac4a-b6a0-4a3f-b1a5-0f1d6f8a2f10",
        "version": "2.2.0",
    }
