"""Whether money may be debited: the one question that whatever wants to debit asks first, in the transaction of its promise."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import defer

from app import clock
from app.database import db
from app.errors import Conflict
from app.models.customer import Customer
from app.models.debit_notice import SCHEMES, DebitNotice, DebitNoticeRule
from app.models.debit_stop import DebitStop
from app.models.mandate import Mandate
from app.models.payment_method import PaymentMethod
from app.money import Money

# Ways to pay that need a mandate.
DEBITS = ("acss_debit", "au_becs_debit", "bacs_debit", "sepa_debit", "us_bank_account")
USABLE = ("active", "pending")
Row = TypeVar("Row")


class DebitStopped(Conflict):
    """Nothing may be debited: there is a stop, or nothing that allows it."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A debit that is about to be promised. `about_id`: the invoice or payment intent; `on`: the day in UTC."""

    about_id: str
    money: Money
    on: date


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a debit would rest on. `mandate`: None for what needs none, like a card."""

    method: PaymentMethod
    mandate: Mandate | None


def check_may_debit(
    payment_method_id: str, *, account_id: int, mandate_id: str | None = None, debit: Planned | None = None
) -> Allowed:
    """Whether this may be debited now; `mandate_id` where a certain mandate is meant, else the newest that allows it.

    Call it inside the transaction that promises the debit: the rows it looks at are held, so that news of a revocation waits
    for the promise, or the promise for the news.

    debit: what would be taken; without it, what its payer would have to be told before is refused.

    Raises:
        DebitStopped: with the reason and since when, for the person or the log that asks why nothing was taken.
    """
    method = _held(select(PaymentMethod).where(PaymentMethod.id == payment_method_id), PaymentMethod, account_id)
    if method is None:
        raise DebitStopped("This payment method is not known here. Nothing is debited before it was read from Stripe.")
    if method.deleted_at or not method.customer_id:
        raise DebitStopped("This payment method belongs to no customer any more. Ask for another one.")
    mandate = _mandate(method, mandate_id) if method.type in DEBITS or mandate_id else None
    _held(select(Customer).where(Customer.id == method.customer_id), Customer, account_id)
    subjects = [("payment_method", method.id), ("customer", method.customer_id)]
    if mandate is not None:
        subjects.append(("mandate", mandate.id))
    if stop := _standing(account_id, subjects):
        raise DebitStopped(_why(stop))
    _check_notice(method, debit)
    return Allowed(method, mandate)


def _check_notice(method: PaymentMethod, debit: Planned | None) -> None:
    """Where the rule of its scheme says so, its payer was told of this debit in time."""
    day = debit.on if debit else clock.now().date()
    rule = DebitNoticeRule.on(method.type, day) if method.type in SCHEMES else None
    if rule is None or rule.stripe_sends or not rule.blocks:
        return
    if debit is None:
        raise DebitStopped("Say which debit is meant: its payer has to be told before.")
    noted = select(DebitNotice).where(
        DebitNotice.account_id == method.account_id,
        DebitNotice.about_id == debit.about_id,
        DebitNotice.scheme == method.type,
    )
    if not any(notice.covers(debit.money, debit.on, rule) for notice in db.session.scalars(noted)):
        unit = "day" if rule.days == 1 else "days"
        raise DebitStopped(
            f"Nobody was told of this debit of {debit.money} at least {rule.days} {unit} before {debit.on:%-d %b %Y}."
        )


def stops_about(
    account_id: int, *, customer_id: str | None = None, subjects: list[tuple[str, str]] | None = None
) -> list[DebitStop]:
    """What stands about a customer with all that is theirs, or about these subjects; newest first."""
    stands = select(DebitStop).where(DebitStop.account_id == account_id, DebitStop.lifted_at.is_(None))
    if customer_id:
        stands = stands.where(DebitStop.customer_id == customer_id)
    else:
        stands = stands.where(tuple_(DebitStop.subject_type, DebitStop.subject_id).in_(subjects or []))
    return list(db.session.scalars(stands.order_by(DebitStop.since.desc(), DebitStop.id.desc()).limit(50)))


def _mandate(method: PaymentMethod, mandate_id: str | None) -> Mandate:
    given = select(Mandate).where(Mandate.payment_method_id == method.id, Mandate.deleted_at.is_(None))
    if mandate_id:
        given = given.where(Mandate.id == mandate_id)
    else:
        given = given.where(Mandate.status.in_(USABLE), Mandate.type.is_distinct_from("single_use"))
    newest = given.order_by(Mandate.accepted_at.desc().nulls_last(), Mandate.id).limit(1)
    found = _held(newest, Mandate, method.account_id)
    if found is None:
        ended = _held(
            select(Mandate).where(Mandate.payment_method_id == method.id).order_by(Mandate.seen_at.desc()).limit(1),
            Mandate,
            method.account_id,
        )
        stop = _standing(method.account_id, [("mandate", ended.id)]) if ended else None
        raise DebitStopped(_why(stop) if stop else "No mandate that allows a debit is known for this account.")
    # Read by a plain question, found ended when its row was held: it ended in between.
    if found.status not in USABLE:
        stop = _standing(method.account_id, [("mandate", found.id)])
        raise DebitStopped(_why(stop) if stop else f"The mandate {found.id} is {found.status}.")
    return found


def _standing(account_id: int, subjects: list[tuple[str, str]]) -> DebitStop | None:
    found = stops_about(account_id, subjects=subjects)
    return found[0] if found else None


def _why(stop: DebitStop) -> str:
    since = f"{stop.since:%-d %b %Y, %H:%M} UTC"
    return f"{stop.says}, on {since}. Nothing is debited; ask the customer for another way to pay."


def _held(query: Select[Any], model: type[Row], account_id: int) -> Row | None:
    """The row as it is now, kept from changing until the transaction ends."""
    mine = query.where(model.account_id == account_id).options(defer(model.raw, raiseload=True))  # type: ignore[attr-defined]
    found: Row | None = db.session.scalar(mine.with_for_update(read=True).execution_options(populate_existing=True))
    return found
