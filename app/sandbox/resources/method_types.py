"""Which kinds of payment method an intent takes, and the words callers use to say so in each API version.

`payment_method_types` is an input until 2026-09-30; since then only `allowed_payment_method_types` is, and sending the
old word is refused. Without either, the account's automatic choice by currency stands.
"""

from __future__ import annotations

from typing import Any

from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj, Params, boolean, choice, hash_of, list_of
from app.sandbox.tx import Tx
from app.sandbox.versions import at_least

KNOWN = ("card", "link", "sepa_debit", "us_bank_account", "bacs_debit", "customer_balance")
ON_REQUEST = {"us_bank_account": "usd", "bacs_debit": "gbp"}
"""Kinds that are offered only when asked for, and their one currency."""
WITHOUT_OLD_WORD = "2026-09-30"
WORDS = (
    "payment_method_types",
    "allowed_payment_method_types",
    "excluded_payment_method_types",
    "automatic_payment_methods",
    "payment_method_configuration",
)
CONFIGURATION = "pmc_sandboxdefault"

NEEDS_RETURN_URL = (
    "This {intent} is configured to accept payment methods enabled in your Dashboard. Because some of these payment "
    "methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept "
    "redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)


def choose(tx: Tx, params: Params, intent: Obj, *, currency: str | None, fresh: bool) -> None:
    """Write the four fields about kinds of method; on an update only when the caller spoke of them."""
    _check_words(tx, params)
    old = list_of(params, "payment_method_types")
    if not fresh and not any(name in params for name in WORDS):
        return
    if old:
        intent.update(
            allowed_payment_method_types=None,
            automatic_payment_methods=None,
            excluded_payment_method_types=None,
            payment_method_configuration_details=None,
            payment_method_types=[_known(name, "payment_method_types") for name in old],
        )
        return
    allowed = [_known(name, "allowed_payment_method_types") for name in list_of(params, "allowed_payment_method_types")]
    excluded = [str(name) for name in list_of(params, "excluded_payment_method_types")]
    wish = hash_of(params, "automatic_payment_methods")
    redirects = choice(wish, "allow_redirects", ("always", "never")) or "always"
    automatic = boolean(wish, "enabled") is not False
    by_currency = automatic_types(currency)
    types = [name for name in (allowed or by_currency) if name in by_currency or _on_request(name, currency)]
    intent.update(
        allowed_payment_method_types=allowed or None,
        automatic_payment_methods={"allow_redirects": redirects, "enabled": True}
        if automatic and not allowed
        else None,
        excluded_payment_method_types=excluded or None,
        payment_method_configuration_details={"id": CONFIGURATION, "parent": None} if automatic else None,
        payment_method_types=([name for name in types if name not in excluded] if automatic else ["card"]),
    )


def automatic_types(currency: str | None) -> list[str]:
    return ["card", "link", "sepa_debit"] if currency in ("eur", None) else ["card", "link"]


def check_fits(intent: Obj, method: Obj, called: str) -> None:
    """The intent must take this kind of method."""
    types = intent["payment_method_types"]
    if method["type"] in types:
        return
    raise invalid(
        f"The PaymentMethod provided ({method['type']}) is not allowed for this {called}. Please attach a PaymentMethod of "
        f"one of the following types: {', '.join(types)}. Alternatively update the allowed payment_method_types for this "
        f'{called} to include "{method["type"]}".',
        param="payment_method",
        code="payment_intent_incompatible_payment_method" if called == "PaymentIntent" else None,
    )


def may_redirect(intent: Obj) -> bool:
    """Whether Stripe could send the customer elsewhere, so that it must know where to come back to."""
    automatic = intent["automatic_payment_methods"]
    if automatic:
        return bool(automatic["enabled"] and automatic["allow_redirects"] != "never")
    return intent["allowed_payment_method_types"] is not None


def _check_words(tx: Tx, params: Params) -> None:
    if "payment_method_types" in params and at_least(tx.api_version, WITHOUT_OLD_WORD):
        raise StripeError(
            "The `payment_method_types` parameter is no longer supported in this API version. Use "
            "`allowed_payment_method_types` instead.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
        )
    said = [name for name in WORDS[:3] if params.get(name)]
    automatic = boolean(hash_of(params, "automatic_payment_methods"), "enabled")
    if automatic and ("payment_method_types" in said or "allowed_payment_method_types" in said):
        said.append("automatic_payment_methods")
    if len(said) > 1 and said != ["excluded_payment_method_types", "automatic_payment_methods"]:
        raise invalid(f"You may only specify one of these parameters: {', '.join(sorted(said))}.", param=said[0])


def _on_request(name: str, currency: str | None) -> bool:
    return name == "customer_balance" or (name in ON_REQUEST and currency in (ON_REQUEST[name], None))


def _known(name: Any, param: str) -> str:
    if name not in KNOWN:
        raise invalid(f"The payment method type provided: {name} is invalid.", param=param)
    return str(name)
