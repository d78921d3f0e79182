"""Looking: each kind is one question, answered newest first, and given up when it would take too long."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import defer

from app.database import db
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.search_word import ADDRESS, METADATA, NAME, PART
from app.search.kinds import BY_NAME, KINDS, Hit, Kind
from app.search.language import Wanted
from app.web.accounts import current_account_id
from app.web.admin import may
from app.web.people import Payer, called
from app.web.words import customers_called

Found = TypeVar("Found")
# A rare pair of conditions would have millions of rows read; nobody waits for that at a search box.
PATIENCE_MS = 400
_MOST_CUSTOMERS = 20
_PAYMENTS_ASKED = 200
# Keys that name a person: answered by the index of words, for every kind that belongs to customers.
_PERSONS = {"email": (ADDRESS, PART), "name": (NAME, ADDRESS), "metadata": (METADATA,)}


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
    known = {*kind.keys, *(_PERSONS if kind.by_customers else ())}
    if wanted.text and not (kind.by_customers or kind.by_last4 or kind.by_number):
        return False
    return wanted.keys <= known


def _people(wanted: Wanted) -> list[str] | None:
    """The customers that the words and the keys of persons name; None when nothing names one."""
    named = [
        customers_called(term.value, at_most=_PAYMENTS_ASKED, kinds=_PERSONS[term.key])
        for term in wanted.terms
        if term.key in _PERSONS
    ]
    if wanted.text and not _is_last4(wanted.text):
        named.append(customers_called(wanted.text, at_most=_PAYMENTS_ASKED))
    if not named:
        return None
    first, *others = named
    return [person for person in first if all(person in other for other in others)]


def _group(kind: Kind, wanted: Wanted, people: list[str] | None, size: int) -> Group:
    conditions = _conditions(kind, wanted, people)
    if conditions is None:
        return Group(kind, [])
    rows = _patiently(lambda: _rows(kind, conditions, people, size + 1))
    if rows is None:
        return Group(kind, [], gave_up=True)
    names = _names(kind, rows[:size])
    hits = [kind.hit(row, names.get(kind.customer_of(row) or "", "")) for row in rows[:size]]
    return Group(kind, hits, more=len(rows) > size)


def _conditions(kind: Kind, wanted: Wanted, people: list[str] | None) -> list[ColumnElement[bool]] | None:
    """All that a row has to fulfil; None when nothing can."""
    terms = [term for term in wanted.terms if term.key not in _PERSONS]
    if kind.name == "customers" and not {term.key for term in terms} <= set(kind.keys):
        return _who_paid_so(wanted, people)
    conditions = [kind.keys[term.key](term) for term in terms]
    if wanted.text and _is_last4(wanted.text):
        by_digits = _by_last4(kind, wanted.text)
        return None if by_digits is None else [*conditions, by_digits]
    if people is None:
        return conditions
    number = kind.by_number(wanted.text) if kind.by_number and wanted.text else None
    if people and kind.by_customers:
        theirs = kind.by_customers(people[: _MOST_CUSTOMERS if kind.name != "customers" else None])
        return [*conditions, theirs if number is None else theirs | number]
    return None if number is None else [*conditions, number]


def _by_last4(kind: Kind, digits: str) -> ColumnElement[bool] | None:
    if kind.by_last4:
        return kind.by_last4(digits)
    if kind.name == "customers":
        paid = select(Charge.customer_id).where(Charge.last4 == digits, Charge.customer_id.is_not(None))
        return Customer.id.in_(_newest_payers(paid))
    return None


def _who_paid_so(wanted: Wanted, people: list[str] | None) -> list[ColumnElement[bool]] | None:
    """Customers with such payments."""
    payments = _conditions(BY_NAME["payments"], wanted, people)
    if payments is None:
        return None
    paid = select(Charge.customer_id).where(*payments, Charge.customer_id.is_not(None))
    found = _patiently(lambda: _newest_payers(paid))
    return [Customer.id.in_(found)] if found else None


def _newest_payers(paid: Select[Any]) -> list[str]:
    """A list and not a subquery, so that a few ids are looked up and not all customers of the shop are asked."""
    mine = paid.where(Charge.account_id == current_account_id())
    newest = mine.order_by(Charge.created_at.desc(), Charge.id.desc()).limit(_PAYMENTS_ASKED)
    return list(dict.fromkeys(db.session.scalars(newest)))


def _rows(kind: Kind, conditions: list[ColumnElement[bool]], people: list[str] | None, limit: int) -> Sequence[Any]:
    model = kind.model
    rows = select(model).options(defer(model.raw, raiseload=True)).where(model.account_id == current_account_id())
    if kind.name == "customers" and people:
        # As the index of words ranked them.
        found = db.session.scalars(rows.where(*conditions)).all()
        return sorted(found, key=lambda row: people.index(row.id) if row.id in people else len(people))[:limit]
    newest = rows.where(*conditions).order_by(model.created_at.desc(), model.id.desc())
    return db.session.scalars(newest.limit(limit)).all()


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
