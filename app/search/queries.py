"""Looking: each kind is one question, answered newest first, and given up when it would take too long."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, or_, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import defer, load_only

from app.database import db
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.search_word import ADDRESS, METADATA, NAME, PART
from app.search.kinds import BY_NAME, KINDS, Hit, Kind
from app.search.language import Term, Wanted
from app.web.accounts import current_account_id
from app.web.admin import may
from app.web.guests import payments_of
from app.web.keyset import Keyset
from app.web.people import Payer, called
from app.web.rare import Sieve
from app.web.words import customers_called

Found = TypeVar("Found")
# A rare pair of conditions would have millions of rows read; nobody waits for that at a search box.
PATIENCE_MS = 400
_MOST_CUSTOMERS = 20
_PEOPLE_ASKED = 200
# Whose payments are like this: the newest say it; every further one costs eighty rows more, where it is one of eighty.
_PAYMENTS_ASKED = 40
# Keys that name a person: answered by the index of words, for every kind that belongs to customers.
_PERSONS = {"email": (ADDRESS, PART), "name": (NAME, ADDRESS), "metadata": (METADATA,)}


@dataclass(frozen=True, slots=True)
class People:
    """Who is named: customers, the best first (None: nobody is asked for), and payments of guests, who are no customers."""

    customers: list[str] | None
    guests: list[str]


@dataclass(frozen=True, slots=True)
class Sought:
    """What a row has to fulfil; apart from the rest what may be rare."""

    conditions: Sequence[ColumnElement[bool]]
    sieve: Sieve | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one kind; `more`: there are further ones. `gave_up`: it would have taken too long."""

    kind: Kind
    hits: Sequence[Hit]
    more: bool = False
    gave_up: bool = False


def groups(wanted: Wanted, *, size: int) -> list[Group]:
    """What was found, by kind, at most `size` of each; only kinds this person may see and all conditions fit."""
    if wanted.is_empty:
        return []
    people = _people(wanted)
    asked = [kind for kind in KINDS if may(kind.permission) and wanted.places <= {kind.name}]
    found = [_group(kind, wanted, people, size) for kind in asked if fits(kind, wanted)]
    return [group for group in found if group.hits or group.gave_up]


def fits(kind: Kind, wanted: Wanted) -> bool:
    """Whether every condition says something about this kind."""
    if kind.name == "customers" and wanted.keys <= {*BY_NAME["payments"].keys, *kind.keys, *_PERSONS}:
        return True
    known = {*kind.keys, *(_PERSONS if kind.by_customers or kind.by_payments else ())}
    if wanted.text and not (kind.by_customers or kind.by_payments or kind.by_last4 or kind.by_number):
        return False
    return wanted.keys <= known


def _people(wanted: Wanted) -> People:
    """Whom the words and the keys of persons name."""
    named = [
        customers_called(term.value, at_most=_PEOPLE_ASKED, kinds=_PERSONS[term.key])
        for term in wanted.terms
        if term.key in _PERSONS
    ]
    if wanted.text and not _is_last4(wanted.text):
        named.append(customers_called(wanted.text, at_most=_PEOPLE_ASKED))
    if not named:
        return People(None, [])
    first, *others = named
    return People([person for person in first if all(person in other for other in others)], _guests(wanted))


def _group(kind: Kind, wanted: Wanted, people: People, size: int) -> Group:
    sought = _sought(kind, wanted, people)
    if sought is None:
        return Group(kind, [])
    rows = _patiently(lambda: _rows(kind, sought, people, size + 1))
    if rows is None:
        return Group(kind, [], gave_up=True)
    names = _names(kind, rows[:size])
    hits = [kind.hit(row, names.get(kind.customer_of(row) or "", "")) for row in rows[:size]]
    return Group(kind, hits, more=len(rows) > size)


def _sought(kind: Kind, wanted: Wanted, people: People) -> Sought | None:
    """All that a row has to fulfil; None when nothing can."""
    terms = [term for term in wanted.terms if term.key not in _PERSONS]
    if kind.name == "customers" and not {term.key for term in terms} <= set(kind.keys):
        return _who_paid_so(wanted, people)
    conditions, sieve = _of_terms(kind, terms)
    named = _named(kind, wanted, people)
    return None if named is None else Sought([*conditions, *named], sieve)


def _of_terms(kind: Kind, terms: Sequence[Term]) -> tuple[list[ColumnElement[bool]], Sieve | None]:
    """The pairs as conditions, apart from them those whose rows may be rare among many."""
    given = {key: [term for term in terms if term.key == key] for key in dict.fromkeys(term.key for term in terms)}
    meant = {key: kind.keys[key].condition(its) for key, its in given.items()}
    rare_ones = [key for key in given if kind.having and kind.keys[key].sieve]
    facets = [facet for key in rare_ones for facet in kind.keys[key].facets(given[key])]
    behind = {key: asked(given[key]) for key in rare_ones if (asked := kind.keys[key].behind)}
    index = kind.having(facets, list(behind.values())) if kind.having and facets else None
    rest = [meant[key] for key in rare_ones if not kind.keys[key].facets(given[key])]
    beside = [meant[key] for key in rare_ones if key not in behind or index is None]
    sieve = Sieve([meant[key] for key in rare_ones], index, rest, beside) if rare_ones else None
    return [condition for key, condition in meant.items() if key not in rare_ones], sieve


def _named(kind: Kind, wanted: Wanted, people: People) -> list[ColumnElement[bool]] | None:
    """What the words and the keys of persons ask; None when nothing is called like this."""
    if wanted.text and _is_last4(wanted.text):
        by_digits = _by_last4(kind, wanted.text)
        return None if by_digits is None else [by_digits]
    if people.customers is None:
        return []
    ways = []
    most = _MOST_CUSTOMERS if kind.name != "customers" else None
    if kind.by_payments:
        # One condition on payments, so that theirs are looked up first, and not all refunds of the shop asked for their payment.
        paid = [Charge.customer_id.in_(people.customers[:most])] if people.customers else []
        paid += [Charge.id.in_(people.guests)] if people.guests else []
        ways += [kind.by_payments(or_(*paid))] if paid else []
    elif people.customers and kind.by_customers:
        ways.append(kind.by_customers(people.customers[:most]))
    if kind.by_number and wanted.text:
        ways.append(kind.by_number(wanted.text))
    return [or_(*ways)] if ways else None


def _guests(wanted: Wanted) -> list[str]:
    """Payments of guests who are called like this; none when a name or metadata are asked for, which no payment of a guest has."""
    asked = [*([wanted.text] if wanted.text else []), *(term.value for term in wanted.terms if term.key == "email")]
    if wanted.keys & (_PERSONS.keys() - {"email"}) or not asked:
        return []
    first, *others = map(payments_of, asked)
    return [payment for payment in first if all(payment in other for other in others)]


def _by_last4(kind: Kind, digits: str) -> ColumnElement[bool] | None:
    if kind.by_last4:
        return kind.by_last4(digits)
    if kind.name == "customers":
        return Customer.id.in_(_newest_payers(Sought([Charge.last4 == digits])))
    return None


def _who_paid_so(wanted: Wanted, people: People) -> Sought | None:
    """Customers with such payments."""
    payments = _sought(BY_NAME["payments"], wanted, people)
    if payments is None:
        return None
    found = _patiently(lambda: _newest_payers(payments))
    return Sought([Customer.id.in_(found)]) if found else None


def _newest_payers(payments: Sought) -> list[str]:
    """A list and not a subquery, so that a few ids are looked up and not all customers of the shop are asked."""
    paid = select(Charge).options(load_only(Charge.customer_id, raiseload=True)).where(Charge.customer_id.is_not(None))
    newest = _newest(Charge, paid, payments, _PAYMENTS_ASKED)
    return list(dict.fromkeys(charge.customer_id for charge in newest))


def _rows(kind: Kind, sought: Sought, people: People, limit: int) -> Sequence[Any]:
    model = kind.model
    rows = select(model).options(defer(model.raw, raiseload=True))
    if kind.name == "customers" and (ranked := people.customers):
        # As the index of words ranked them.
        mine = rows.where(model.account_id == current_account_id(), *sought.conditions)
        found = db.session.scalars(mine).all()
        return sorted(found, key=lambda row: ranked.index(row.id) if row.id in ranked else len(ranked))[:limit]
    return _newest(model, rows, sought, limit)


def _newest(model: Any, rows: Select[Any], sought: Sought, limit: int) -> Sequence[Any]:
    mine = rows.where(model.account_id == current_account_id(), *sought.conditions)
    newest = Keyset("search", model.created_at, model.id, descending=True)
    return newest.batch(mine, size=limit, after=None, sieve=sought.sieve)


def _names(kind: Kind, rows: Sequence[Any]) -> dict[str, str]:
    """What the customers of these rows are called, by id."""
    ids = {customer for row in rows if (customer := kind.customer_of(row))}
    if not ids:
        return {}
    known = select(Customer.id, Customer.name, Customer.email).where(
        Customer.id.in_(ids), Customer.account_id == current_account_id()
    )
    return {row.id: called(Payer(*row)) for row in db.session.execute(known)}


def _patiently(ask: Callable[[], Found]) -> Found | None:
    """The answer, None when it did not come in time."""
    try:
        db.session.execute(text(f"SET LOCAL statement_timeout = {PATIENCE_MS}"))
        answer = ask()
    except OperationalError as error:
        db.session.rollback()
        if error.connection_invalidated or "statement timeout" not in str(error.orig):
            raise
        return None
    db.session.execute(text("SET LOCAL statement_timeout TO DEFAULT"))
    return answer


def _is_last4(words: str) -> bool:
    return len(words) == 4 and words.isascii() and words.isdigit()  # noqa: PLR2004 - the last four digits
