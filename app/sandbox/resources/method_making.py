"""How a PaymentMethod comes into being: from a card, a bank account, or the alias of a test card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.errors import StripeError, invalid, no_such
from app.sandbox.params import Obj, choice, hash_of, metadata, text
from app.sandbox.resources import bank_accounts, ibans, shapes
from app.sandbox.resources.bank_accounts import bacs_account, us_account
from app.sandbox.resources.card_input import CardInput, read_card
from app.sandbox.resources.cards import by_alias, fingerprint
from app.sandbox.tx import Tx
from app.sandbox.versions import at_least

TYPES = ("card", "sepa_debit", "us_bank_account", "bacs_debit", "customer_balance", "link")
REDISPLAY = ("always", "limited", "unspecified")


def build(tx: Tx, given: Mapping[str, Any], prefix: str = "") -> Obj:
    """A new PaymentMethod from `type` and its details; not yet stored. `prefix` names the parameter in errors."""
    kind = choice(given, "type", TYPES)
    if kind is None:
        raise StripeError("Missing required param: type.", code="parameter_missing", param=f"{prefix}[type]")
    billing = shapes.billing_details(hash_of(given, "billing_details"))
    if kind == "card":
        return of_card(tx, read_card(tx, hash_of(given, "card")), billing=billing, given=given)
    if kind == "sepa_debit":
        return of_bank(tx, text(hash_of(given, "sepa_debit"), "iban"), billing=billing, given=given)
    if kind == "us_bank_account":
        _need_billing(billing, "name")
        return {**_blank(tx, kind, billing, given), kind: us_account(hash_of(given, kind))}
    if kind == "bacs_debit":
        _need_billing(billing, "name", "email")
        return {**_blank(tx, kind, billing, given), kind: bacs_account(hash_of(given, kind))}
    return {**_blank(tx, kind, billing, given), kind: {}}


def of_card(tx: Tx, read: CardInput, *, billing: Obj, given: Mapping[str, Any]) -> Obj:
    card, month, year, has_cvc = read
    checks = shapes.card_checks(card, billing, has_cvc=has_cvc)
    return {
        **_blank(tx, "card", billing, given),
        "card": shapes.method_card(card, month=month, year=year, checks=checks),
    }


def of_bank(tx: Tx, iban: str | None, *, billing: Obj, given: Mapping[str, Any]) -> Obj:
    """A SEPA debit account. Stripe insists on name and email, outside the EEA (from endive) on the address as well."""
    if iban is None:
        raise StripeError(
            "Missing required param: sepa_debit[iban].", code="parameter_missing", param="sepa_debit[iban]"
        )
    compact = ibans.normalised(iban)
    _need_billing(billing, "name", "email")
    country = compact[:2]
    if country in ibans.SEPA_OUTSIDE_EEA and at_least(tx.api_version, "2026-09-30") and not billing["address"]["line1"]:
        raise StripeError(
            "Missing required param: billing_details[address].",
            code="parameter_missing",
            param="billing_details[address]",
        )
    mark = fingerprint(compact)
    if ibans.behaviour(mark).outcome == "unsupported":
        raise invalid(
            "The bank of this IBAN does not support SEPA Direct Debit.",
            param="sepa_debit[iban]",
            code="sepa_debit_bank_not_supported",
        )
    bank = {
        "bank_code": compact[4:9],
        "branch_code": "",
        "country": country,
        "fingerprint": mark,
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": compact[-4:],
    }
    return {**_blank(tx, "sepa_debit", billing, given), "sepa_debit": bank}


def _need_billing(billing: Obj, *names: str) -> None:
    for name in names:
        if not billing[name]:
            full = f"billing_details[{name}]"
            raise StripeError(f"Missing required param: {full}.", code="parameter_missing", param=full)


def _blank(tx: Tx, kind: str, billing: Obj, given: Mapping[str, Any]) -> Obj:
    return {
        "id": tx.new_id("pm_"),
        "object": "payment_method",
        "allow_redisplay": choice(given, "allow_redisplay", REDISPLAY) or "unspecified",
        "billing_details": billing,
        "created": tx.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": metadata(given),
        "type": kind,
    }


def from_alias(tx: Tx, name: str) -> Obj | None:
    """A fresh PaymentMethod for `pm_card_visa`, `pm_sepaDebit_success_at` and their like; stored, or None."""
    card = by_alias(name) if name.startswith("pm_card_") else None
    iban, account = ibans.by_alias(name), bank_accounts.by_alias(name)
    if card:
        plain = shapes.billing_details({})
        method = of_card(tx, (card, 12, _next_year(tx), True), billing=plain, given={})
    elif iban:
        owner = shapes.billing_details({"name": "Jenny Rosen", "email": "jenny@example.com"})
        method = of_bank(tx, iban, billing=owner, given={})
    elif account:
        owner = shapes.billing_details({"name": "Jenny Rosen", "email": "jenny@example.com"})
        method = {
            **_blank(tx, "us_bank_account", owner, {}),
            "us_bank_account": us_account({"account_number": account}),
        }
        tx.put({"object": "sandbox.verified", "id": method["id"]})
    else:
        return None
    tx.put(method)
    return method


def resolve(tx: Tx, given: str, *, param: str = "payment_method", lock: bool = True) -> Obj:
    """The PaymentMethod of an id or a test alias; 400 when there is none."""
    fresh = from_alias(tx, given)
    if fresh:
        return fresh
    found = tx.get("payment_method", given, lock=lock)
    if found is None:
        raise no_such("PaymentMethod", given, param=param, status=400)
    return found


def in_path(tx: Tx, given: str, *, lock: bool = True) -> Obj:
    found = from_alias(tx, given) or tx.get("payment_method", given, lock=lock)
    if found is None:
        raise no_such("PaymentMethod", given, param="payment_method")
    return found


def _next_year(tx: Tx) -> int:
    return 1970 + tx.now // 31_556_952 + 1
