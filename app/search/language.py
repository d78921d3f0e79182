"""What is typed into the search: words, and key:value pairs such as `status:failed amount:>5000 brand:visa`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.errors import BadRequest
from app.web.filters import plain_text

# A key needs a value right behind its colon; anything else with a colon is text, such as a URL or a time.
_PIECE = re.compile(r'(?:([A-Za-z_]+):)?(?:"([^"]*)"|(\S+))')
_ADDRESS_LIKE = re.compile(r"^(https?|mailto)$", re.IGNORECASE)
_COMPARED = re.compile(r"^(>=|<=|>|<|=)?\s*(.*)$", re.DOTALL)
MOST_TERMS = 12

# Read it like a table: the key, and what to write behind it. The order is the order of the help on the page.
KEYS: dict[str, str] = {
    "status": "a status, like failed, refunded or needs_response",
    "amount": "an amount, like 50, >5000 or 10..20",
    "currency": "a currency, like eur",
    "created": "a day, a month or since when, like 2026-11-02, 2026-11, >2026-11-01 or 7d",
    "brand": "a card brand, like visa",
    "last4": "the last four digits of a card or an account",
    "country": "the country of a card or a customer, like DE",
    "method": "a way to pay, like card or sepa_debit",
    "decline": "Stripe's code for a failure, like insufficient_funds",
    "email": "an e-mail address, or how it begins",
    "name": "a name, or one of its words",
    "customer": "a customer's id, cus_…",
    "metadata": "a value of a customer's metadata",
    "reason": "the reason of a refund or a dispute",
    "number": "the number of an invoice",
    "in": "where to look: payments, refunds, disputes, customers, invoices, subscriptions or payouts",
}
ALLOWED = ", ".join(KEYS)


class UnknownKey(BadRequest):
    """A key nobody knows: left out silently, the answer would be to another question."""


@dataclass(frozen=True, slots=True)
class Term:
    """One pair. `sign` is =, >, >=, < or <=; a range `10..20` is two terms."""

    key: str
    sign: str
    value: str

    @property
    def written(self) -> str:
        return f"{self.key}:{'' if self.sign == '=' else self.sign}{self.value}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `text`: the words that belong to no key, as they were typed."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    places: frozenset[str] = field(default_factory=frozenset)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(term.key for term in self.terms)

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.terms


def read(typed: str, places: Mapping[str, object]) -> Wanted:
    """Take the line apart. `places`: what `in:` may name.

    Raises:
        UnknownKey: its message lists the keys there are.
        BadRequest: the line is too long, or a value makes no sense.
    """
    typed = plain_text(typed, "The search")
    words: list[str] = []
    terms: list[Term] = []
    wanted_places: set[str] = set()
    for key, quoted, bare in _PIECE.findall(typed):
        value = quoted or bare
        if not key or _ADDRESS_LIKE.match(key):
            words.append(f"{key}:{value}" if key else value)
        elif key.lower() == "in":
            wanted_places.add(_place(value, places))
        else:
            terms += _terms(key.lower(), value)
    if len(terms) > MOST_TERMS:
        raise BadRequest(f"That is more than {MOST_TERMS} conditions. Leave some out.")
    return Wanted(" ".join(words), tuple(terms), frozenset(wanted_places))


def _terms(key: str, value: str) -> list[Term]:
    if key not in KEYS:
        raise UnknownKey(f"There is no key “{key}”. You can use: {ALLOWED}.")
    low, dots, high = value.partition("..")
    if dots:
        both = [*([Term(key, ">=", low)] if low else []), *([Term(key, "<=", high)] if high else [])]
        if not both:
            raise BadRequest(f"Say from where to where: {key}: takes {KEYS[key]}.")
        return both
    found = _COMPARED.match(value)
    sign, rest = (found[1] or "=", found[2].strip()) if found else ("=", value)
    if not rest:
        raise BadRequest(f"Say what you look for: {key}: takes {KEYS[key]}.")
    return [Term(key, sign, rest)]


def _place(value: str, places: Mapping[str, object]) -> str:
    if value.lower() not in places:
        raise BadRequest(f"There is nothing called “{value}” to look in. You can use: {', '.join(places)}.")
    return value.lower()
