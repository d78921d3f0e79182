"""Stripe's search language: `status:'succeeded' AND amount>1000`, understood and asked of an object.

Grammar (docs.stripe.com/search): clauses `[-]field op value` joined by AND (or only a space) or by OR, never both;
`:` exact (text without case), `~` part of a text (three letters at least), `<` `>` `<=` `>=` numbers, `field:null`,
`metadata["key"]`. Text stands in quotes, numbers do not have to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.sandbox.errors import invalid
from app.sandbox.params import Obj
from app.sandbox.store import with_found

TEXT, EXACT, NUMBER = "text", "exact", "number"
"""`text` fields know `:` and `~`, `exact` ones only `:`, numbers only `:` and the comparisons."""

FIELDS: dict[str, dict[str, str]] = {
    "customers": {"created": NUMBER, "email": TEXT, "name": TEXT, "phone": TEXT},
    "charges": {
        "amount": NUMBER,
        "billing_details.address.postal_code": EXACT,
        "created": NUMBER,
        "currency": EXACT,
        "customer": EXACT,
        "disputed": EXACT,
        "payment_method_details.card.brand": EXACT,
        "payment_method_details.card.exp_month": NUMBER,
        "payment_method_details.card.exp_year": NUMBER,
        "payment_method_details.card.fingerprint": EXACT,
        "payment_method_details.card.last4": EXACT,
        "refunded": EXACT,
        "status": EXACT,
    },
    "payment_intents": {
        "amount": NUMBER,
        "created": NUMBER,
        "currency": EXACT,
        "customer": EXACT,
        "status": EXACT,
    },
    "subscriptions": {"created": NUMBER, "canceled_at": NUMBER, "status": EXACT},
    "invoices": {
        "created": NUMBER,
        "currency": EXACT,
        "customer": EXACT,
        "last_finalization_error_code": EXACT,
        "last_finalization_error_type": EXACT,
        "number": EXACT,
        "receipt_number": EXACT,
        "status": EXACT,
        "subscription": EXACT,
        "total": NUMBER,
    },
    "prices": {"active": EXACT, "currency": EXACT, "lookup_key": EXACT, "product": EXACT, "type": EXACT},
    "products": {"active": EXACT, "description": TEXT, "name": TEXT, "shippable": EXACT, "url": TEXT},
}

MOST_CLAUSES = 10
_METADATA = re.compile(r"metadata\[(['\"])(?P<key>.+?)\1\]")
_CLAUSE = re.compile(
    r"""\s*(?P<minus>-)?(?P<field>metadata\[(?:"[^"]*"|'[^']*')\]|[a-z0-9_.]+)\s*(?P<op>:|~|<=|>=|<|>)\s*"""
    r"""(?P<value>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s'"]+)""",
    re.VERBOSE,
)
_JOINT = re.compile(r"\s+(AND|OR)\s+|\s+", re.IGNORECASE)

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda have, want: have < want,
    ">": lambda have, want: have > want,
    "<=": lambda have, want: have <= want,
    ">=": lambda have, want: have >= want,
}


@dataclass(frozen=True)
class Clause:
    """One `field op value`; `value` None asks for null."""

    field: str
    key: str | None
    op: str
    value: str | None
    negated: bool

    def holds(self, obj: Obj) -> bool:
        return self._matches(_value_at(obj, self.field, self.key)) is not self.negated

    def _matches(self, have: Any) -> bool:
        if self.value is None or have is None:
            return self.value is None and have is None
        if self.op in _COMPARE:
            return _COMPARE[self.op](float(have), float(self.value))
        text = str(have).lower()
        if isinstance(have, int | float) and not isinstance(have, bool):
            return float(have) == float(self.value)
        return self.value.lower() in text if self.op == "~" else self.value.lower() == text


@dataclass(frozen=True)
class Query:
    clauses: tuple[Clause, ...]
    any_of: bool

    def holds(self, obj: Obj) -> bool:
        found = (clause.holds(obj) for clause in self.clauses)
        return any(found) if self.any_of else all(found)


def parse(text: str, resource: str) -> Query:
    """Raises StripeError when it is no query or asks for a field that cannot be searched."""
    clauses: list[Clause] = []
    joints: set[str] = set()
    at = 0
    text = text.strip()
    while True:
        match = _CLAUSE.match(text, at)
        if match is None:
            raise invalid(f"We were unable to parse your search query at position {at + 1}.", param="query")
        clauses.append(_clause(match, resource))
        at = match.end()
        if at >= len(text):
            break
        joint = _JOINT.match(text, at)
        if joint is None:
            raise invalid(f"We were unable to parse your search query at position {at + 1}.", param="query")
        joints.add((joint.group(1) or "and").upper())
        at = joint.end()
    if len(joints) > 1:
        raise invalid("You can't combine AND and OR in the same query.", param="query")
    if len(clauses) > MOST_CLAUSES:
        raise invalid(f"A search query can have up to {MOST_CLAUSES} clauses.", param="query")
    return Query(tuple(clauses), joints == {"OR"})


def _clause(match: re.Match[str], resource: str) -> Clause:
    field, op, raw = match["field"], match["op"], match["value"]
    quoted = raw[0] in "'\""
    value = re.sub(r"\\(.)", r"\1", raw[1:-1]) if quoted else raw
    metadata = _METADATA.fullmatch(field)
    kind = TEXT if metadata else FIELDS[resource].get(field)
    if kind is None:
        raise invalid(f"Field `{field}` is an unsupported search field for resource `{resource}`.", param="query")
    null = value == "null" and not quoted
    _check(field, kind, op, value, null=null)
    return Clause(
        "metadata" if metadata else field,
        metadata["key"] if metadata else None,
        op,
        None if null else value,
        match["minus"] is not None,
    )


def _check(field: str, kind: str, op: str, value: str, *, null: bool) -> None:
    if op in _COMPARE and kind != NUMBER:
        raise invalid(f"Field `{field}` does not support the operator `{op}`.", param="query")
    if op == "~" and kind != TEXT:
        raise invalid(f"Field `{field}` does not support substring search.", param="query")
    if op == "~" and len(value) < 3:
        raise invalid("Substring search needs at least 3 characters.", param="query")
    if kind == NUMBER and not null and not re.fullmatch(r"-?\d{1,15}", value):
        raise invalid(f"Field `{field}` needs a number.", param="query")


def _value_at(obj: Obj, field: str, key: str | None) -> Any:
    value: Any = with_found(obj) if field == "subscription" else obj
    for word in (field,) if key is not None else field.split("."):
        value = value.get(word) if isinstance(value, dict) else None
    if key is not None:
        value = value.get(key) if isinstance(value, dict) else None
    return str(value).lower() if isinstance(value, bool) else value
