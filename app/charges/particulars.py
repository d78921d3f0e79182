"""What the charge says of the card, of the bank's answer and of the checks, beyond what lists need: read from the whole object."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.charges import words
from app.mirror.authorisations import told
from app.mirror.fields import Obj, part, typed
from app.models.charge import Charge


@dataclass(frozen=True, slots=True)
class Fact:
    """One line. tone: it is a badge. code: it is a copyable code, and `hint` says what it means."""

    label: str
    value: str
    tone: str = ""
    code: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """When a hold on money ends by itself. exact: Stripe's own word; else the networks' rule."""

    until: datetime
    exact: bool


def of_method(charge: Charge, obj: Obj) -> list[Fact]:
    """The card or account that paid, without anything that says whose it is."""
    card = typed(part(obj, "payment_method_details"))
    wallet = part(card, "wallet").get("type")
    month, year = card.get("exp_month"), card.get("exp_year")
    facts = [
        _words("Funding", card.get("funding")),
        _fact("Expires", f"{month:02}/{year}" if isinstance(month, int) and isinstance(year, int) else None),
        _fact("Bank", card.get("issuer") or card.get("bank_name")),
        _fact("Country", charge.country),
        _words("Wallet", wallet),
        _words("Network", card.get("network")),
        _code("Authorisation code", card.get("authorization_code")),
        _code("Network’s transaction id", card.get("network_transaction_id")),
    ]
    return [fact for fact in facts if fact]


def of_answer(charge: Charge, obj: Obj) -> list[Fact]:
    """What Stripe's fraud protection and the bank said, and what that means."""
    outcome = part(obj, "outcome")
    score = outcome.get("risk_score")
    tone, risk = words.RISKS.get(charge.risk_level or "", ("calm", charge.risk_level))
    facts = [
        _fact("Outcome", (charge.outcome_type or "").replace("_", " ").capitalize()),
        _fact("Risk", risk, tone=tone, hint=f"score {score} of 100" if isinstance(score, int) else ""),
        _fact("Stripe says", outcome.get("seller_message")),
        _rule(outcome.get("rule")),
        _code("Decline code", charge.decline_code or charge.failure_code),
        _code("Advice", charge.advice_code, words.ADVICE),
        _code("Network’s decline code", charge.network_decline_code, words.NETWORK_DECLINES),
        _code("Network’s advice code", charge.network_advice_code, words.NETWORK_ADVICE),
    ]
    return [fact for fact in facts if fact]


def of_checks(obj: Obj) -> list[Fact]:
    """Address, postal code and security code as the bank compared them, and how the customer confirmed."""
    card = typed(part(obj, "payment_method_details"))
    checks = part(card, "checks")
    compared = (
        ("Security code", "cvc_check"),
        ("Postal code", "address_postal_code_check"),
        ("Street", "address_line1_check"),
    )
    facts = [_check(label, checks.get(name)) for label, name in compared] + _secured(part(card, "three_d_secure"))
    return [fact for fact in facts if fact]


def hold(charge: Charge, obj: Obj) -> Hold | None:
    """Of a payment that is only authorised: until when it can be captured."""
    return Hold(charge.capture_before, exact=told(obj) is not None) if charge.capture_before else None


def _secured(secure: Obj) -> list[Fact | None]:
    result = secure.get("result")
    if not result:
        return []
    tone, said = words.SECURED.get(result, ("calm", str(result).replace("_", " ").capitalize()))
    shifted = "the bank answers for fraud" if result in words.LIABILITY_SHIFTS else ""
    return [
        _fact("3-D Secure", said, tone=tone, hint=shifted),
        _words("Asked", words.FLOWS.get(secure.get("authentication_flow") or "")),
        _fact("Version", secure.get("version")),
    ]


def _check(label: str, result: Any) -> Fact | None:
    if not isinstance(result, str):
        return None
    tone, said = words.CHECKS.get(result, ("calm", result.replace("_", " ").capitalize()))
    return Fact(label, said, tone)


def _rule(rule: Any) -> Fact | None:
    """The rule of Radar that decided; an id, or expanded with its condition."""
    if isinstance(rule, dict):
        rule = rule.get("predicate") or rule.get("id")
    return _code("Rule", rule)


def _fact(label: str, value: Any, *, tone: str = "", hint: str = "") -> Fact | None:
    return Fact(label, str(value), tone, hint=hint) if value else None


def _words(label: str, value: Any) -> Fact | None:
    return _fact(label, str(value).replace("_", " ").capitalize()) if value else None


def _code(label: str, value: Any, meanings: dict[str, str] | None = None) -> Fact | None:
    return Fact(label, str(value), code=True, hint=(meanings or {}).get(str(value), "")) if value else None
