"""What a visitor typed into a payment form, as a PaymentMethod and a Payer, or what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.sandbox.checkout.payer import Payer
from app.sandbox.errors import StripeError
from app.sandbox.params import Obj, Params
from app.sandbox.resources import microdeposits
from app.sandbox.resources.inside import call
from app.sandbox.tx import Tx

FORMS = ("card", "sepa_debit", "us_bank_account", "bacs_debit")
NEEDED = {
    "card": {"number": "card number", "expiry": "expiry date", "cvc": "security code"},
    "sepa_debit": {"iban": "IBAN"},
    "us_bank_account": {"routing_number": "routing number", "ach_number": "account number"},
    "bacs_debit": {"sort_code": "sort code", "bacs_number": "account number"},
}
FIELD_OF = {
    "number": "number",
    "exp_month": "expiry",
    "exp_year": "expiry",
    "cvc": "cvc",
    "sepa_debit[iban]": "iban",
    "us_bank_account[routing_number]": "routing_number",
    "us_bank_account[account_number]": "ach_number",
    "bacs_debit[account_number]": "bacs_number",
    "bacs_debit[sort_code]": "sort_code",
    "email": "email",
    "billing_details[address]": "billing_line1",
}
ADDRESS = {"line1": "street and number", "city": "city", "postal_code": "postal code", "country": "country"}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
EXPIRY = re.compile(r"(\d{1,2})\s*[/-]?\s*(\d{2}|\d{4})")


@dataclass
class Entry:
    """`typed` is the form as it came, `wrong` what to say beside which field ('' for the whole form)."""

    typed: dict[str, str]
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def way(self) -> str:
        return self.typed.get("way", "")

    def get(self, name: str) -> str:
        return self.typed.get(name, "").strip()

    def need(self, name: str, called: str) -> None:
        if not self.get(name):
            self.wrong.setdefault(name, f"Enter your {called}.")

    def blame(self, refusal: StripeError) -> None:
        """Show Stripe's refusal where the visitor can do something about it."""
        self.wrong[FIELD_OF.get(refusal.param or "", "")] = refusal.message


def check(entry: Entry, session: Obj, ways: list[str]) -> None:
    """Everything that can be said before anybody is asked."""
    check_way(entry, ways)
    _check_person(entry, session)
    for one in session["custom_fields"]:
        if not one["optional"]:
            entry.need(f"custom_{one['key']}", (one["label"]["custom"] or one["key"]).lower())
    if needs_terms(session) and entry.get("terms") != "yes":
        entry.wrong["terms"] = "Agree to the terms of service to go on."


def check_way(entry: Entry, ways: list[str]) -> None:
    if entry.way not in ways:
        entry.wrong["way"] = "Choose how to pay."
    for name, called in NEEDED.get(entry.way, {}).items():
        entry.need(name, called)
    if entry.way == "card" and entry.get("expiry") and not EXPIRY.fullmatch(entry.get("expiry")):
        entry.wrong["expiry"] = "Enter the month and the year, as 12 / 40."
    if entry.way in FORMS:
        entry.need("name", "name")


def _check_person(entry: Entry, session: Obj) -> None:
    if asks_email(session):
        entry.need("email", "email address")
        if entry.get("email") and not EMAIL.fullmatch(entry.get("email")):
            entry.wrong["email"] = "Enter an email address, as name@example.com."
    if session["phone_number_collection"]["enabled"]:
        entry.need("phone", "phone number")
    for prefix in address_prefixes(session):
        if prefix == "shipping":
            entry.need("shipping_name", "name")
        for name, called in ADDRESS.items():
            entry.need(f"{prefix}_{name}", called)


def asks_email(session: Obj) -> bool:
    known = (session["customer_details"] or {}).get("email") or session["customer_email"]
    return not known


def needs_terms(session: Obj) -> bool:
    return bool((session["consent_collection"] or {}).get("terms_of_service") == "required")


def address_prefixes(session: Obj) -> list[str]:
    asked = []
    if session["billing_address_collection"] == "required":
        asked.append("billing")
    if session["shipping_address_collection"]:
        asked.append("shipping")
    return asked


def payer(tx: Tx, entry: Entry, session: Obj, agent: str) -> Payer:
    """Makes the PaymentMethod if the visitor typed one; the account's refusal of it is Stripe's."""
    email = entry.get("email") or session["customer_email"] or (session["customer_details"] or {}).get("email")
    method = entry.way if entry.way not in FORMS else new_method(tx, entry, email)["id"]
    return Payer(
        str(method),
        email=email or None,
        name=entry.get("name") or None,
        phone=entry.get("phone") or None,
        address=_address(entry, "billing"),
        shipping=_shipping(entry),
        save=entry.get("save") == "yes",
        agent=agent,
        answers={one["key"]: entry.get(f"custom_{one['key']}") for one in session["custom_fields"]},
    )


def new_method(tx: Tx, entry: Entry, email: str | None) -> Obj:
    """A PaymentMethod out of one of the forms; a bank account counts as linked, so it needs no verification."""
    billing: Params = {"name": entry.get("name"), "email": email or ""}
    if entry.get("phone"):
        billing["phone"] = entry.get("phone")
    address = _address(entry, "billing")
    if address:
        billing["address"] = {name: value or "" for name, value in address.items()}
    kind = entry.way
    method = call(
        tx, "POST", "/v1/payment_methods", {"type": kind, kind: _details(entry, kind), "billing_details": billing}
    )
    microdeposits.trust(tx, method)
    return method


def _details(entry: Entry, kind: str) -> Params:
    if kind == "card":
        found = EXPIRY.fullmatch(entry.get("expiry"))
        month, year = found.groups() if found else ("", "")
        return {"number": entry.get("number"), "exp_month": month, "exp_year": year, "cvc": entry.get("cvc")}
    if kind == "sepa_debit":
        return {"iban": entry.get("iban")}
    if kind == "us_bank_account":
        return {"routing_number": entry.get("routing_number"), "account_number": entry.get("ach_number")}
    return {"sort_code": entry.get("sort_code"), "account_number": entry.get("bacs_number")}


def _address(entry: Entry, prefix: str) -> Obj | None:
    given = {
        name: entry.get(f"{prefix}_{name}") or None for name in ("line1", "line2", "city", "postal_code", "country")
    }
    return {**given, "state": None} if any(given.values()) else None


def _shipping(entry: Entry) -> Obj | None:
    address = _address(entry, "shipping")
    if address is None:
        return None
    return {"address": address, "name": entry.get("shipping_name")}
