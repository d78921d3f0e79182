"""Telling customers of a debit before it, and writing down that they were told elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import defer

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.debits.operations import written
from app.errors import BadRequest, Conflict, Unknown
from app.mail import letters, outbox
from app.models.account import Account
from app.models.charged_by import METHOD_ID
from app.models.customer import Customer
from app.models.debit_notice import SCHEMES, DebitNotice, DebitNoticeRule
from app.models.invoice import Invoice
from app.models.mandate import Mandate
from app.models.payment_method import PaymentMethod
from app.models.subscription import Subscription
from app.money import MinorUnits, Money

KIND = "debit.notice"


@dataclass(frozen=True, slots=True)
class Debit:
    """What an invoice will take: from which account, how much, on which day (UTC), under which rule."""

    invoice: Invoice
    method: PaymentMethod
    customer: Customer
    rule: DebitNoticeRule | None

    @property
    def money(self) -> Money:
        return Money(MinorUnits(self.invoice.amount_remaining or self.invoice.amount_due), self.invoice.currency)

    @property
    def on(self) -> date:
        """The day of the next attempt; without one, today."""
        return (self.invoice.next_payment_attempt_at or clock.now()).date()

    @property
    def told_by(self) -> date | None:
        """The last day on which a notice is in time."""
        return self.on - self.rule.before if self.rule else None

    def state(self, notices: Sequence[DebitNotice]) -> str:
        """stripe: Stripe tells them; told; missing; late: it is too late to tell them in time."""
        if self.rule is None or self.rule.stripe_sends:
            return "stripe"
        if any(notice.covers(self.money, self.on, self.rule) for notice in notices):
            return "told"
        return "missing" if clock.now().date() <= (self.told_by or self.on) else "late"


def is_to_come() -> ColumnElement[bool]:
    """The condition, on an invoice, that Stripe will debit an account for it that has to be told of before."""
    taken = (
        select(PaymentMethod.id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .outerjoin(Subscription, Subscription.id == Invoice.subscription_id)
        .where(
            PaymentMethod.id == METHOD_ID,
            PaymentMethod.type.in_(SCHEMES),
            PaymentMethod.account_id == Invoice.account_id,
        )
    )
    waits = Invoice.next_payment_attempt_at.is_not(None) & Invoice.status.in_(("draft", "open"))
    return waits & exists(taken.correlate(Invoice))


def debits_of(invoices: Sequence[Invoice]) -> dict[str, Debit]:
    """What each of these invoices will take; one question for the accounts and one for each scheme."""
    found = (
        select(Invoice.id, PaymentMethod, Customer)
        .join(Customer, Customer.id == Invoice.customer_id)
        .outerjoin(Subscription, Subscription.id == Invoice.subscription_id)
        .join(PaymentMethod, PaymentMethod.id == METHOD_ID)
        .where(Invoice.id.in_([invoice.id for invoice in invoices]), PaymentMethod.type.in_(SCHEMES))
        .options(defer(PaymentMethod.raw, raiseload=True), defer(Customer.raw, raiseload=True))
    )
    rows = {row[0]: row for row in db.session.execute(found)} if invoices else {}
    rules = {scheme: DebitNoticeRule.on(scheme, clock.now().date()) for scheme in SCHEMES} if rows else {}
    return {
        invoice.id: Debit(invoice, rows[invoice.id][1], rows[invoice.id][2], rules[rows[invoice.id][1].type])
        for invoice in invoices
        if invoice.id in rows
    }


def noted(invoices: Sequence[Invoice]) -> dict[str, list[DebitNotice]]:
    """The notices of each of these invoices, the newest first."""
    found: dict[str, list[DebitNotice]] = {invoice.id: [] for invoice in invoices}
    asked = select(DebitNotice).where(DebitNotice.about_id.in_(found)).order_by(DebitNotice.noted_at.desc())
    for notice in db.session.scalars(asked) if found else ():
        found[notice.about_id].append(notice)
    return found


def send(invoice_id: str, *, account_id: int, actor: Actor) -> None:
    """Tell the customer by mail, today.

    Raises:
        BadRequest: nothing will be debited for it, it is too late, or there is nowhere to write to.
        Conflict: they were told already.
    """
    with transaction():
        debit = _locked(invoice_id, account_id)
        today = clock.now().date()
        if debit.told_by and today > debit.told_by:
            raise BadRequest(
                f"It is too late: they had to be told by {debit.told_by:%-d %b %Y}. Let Stripe collect it later, then write."
            )
        if not debit.customer.email:
            raise BadRequest(
                "No e-mail address is known for this customer. Tell them another way, and write it down here."
            )
        key = f"{KIND}:{invoice_id}:{debit.on}:{debit.money.minor}"
        letter = letters.write(
            KIND,
            seller=db.session.get_one(Account, account_id).name or "",
            amount=f"{debit.money.grouped} {debit.money.currency.upper()}",
            day=f"{debit.on:%-d %B %Y}",
            account=debit.method.last4 or "",
            scheme=SCHEMES[debit.method.type],
            invoice=debit.invoice.number or debit.invoice.id,
            reference=_reference(debit.method),
        )
        mail_id = outbox.post(
            letter,
            to=debit.customer.email,
            account_id=account_id,
            by=actor.name,
            dedup=key,
            about=("invoice", invoice_id),
            customer_id=debit.customer.id,
        )
        _note(debit, actor, how="mail", told_on=today, mail_id=mail_id)


def record(  # noqa: PLR0913 - what was told, when and by whom: all of it belongs to one line
    invoice_id: str, *, account_id: int, told_on: date, how: str, words: str, actor: Actor
) -> None:
    """Write down that they were told elsewhere, or by Stripe, on a day that is not to come.

    Raises:
        ReasonMissing: nobody could find it again. BadRequest, Conflict: as `send`.
    """
    said = written(words)
    if how not in {"elsewhere", "stripe"}:
        raise BadRequest("Choose who told them.")
    if told_on > clock.now().date():
        raise BadRequest("They cannot have been told on a day that is still to come.")
    with transaction():
        debit = _locked(invoice_id, account_id)
        if told_on > debit.on:
            raise BadRequest(f"That is after the debit, which is on {debit.on:%-d %b %Y}.")
        _note(debit, actor, how=how, told_on=told_on, words=said)


def set_rule(  # noqa: PLR0913 - what a rule says
    scheme: str, *, days: int, blocks: bool, stripe_sends: bool, source: str, actor: Actor
) -> None:
    """From today on this is the rule of the scheme; the ones before stay to be read.

    Raises:
        BadRequest: it makes no sense. ReasonMissing: no source is named.
    """
    if scheme not in SCHEMES or not 1 <= days <= 30:  # noqa: PLR2004 - as the table has it
        raise BadRequest("Choose between 1 and 30 days.")
    where = written(source)
    now = clock.now()
    with transaction():
        before = DebitNoticeRule.on(scheme, now.date())
        wanted = {"days": days, "blocks": blocks, "stripe_sends": stripe_sends}
        db.session.add(
            DebitNoticeRule(scheme=scheme, valid_from=now.date(), source=where, set_by=actor.name, set_at=now, **wanted)
        )
        old = {name: getattr(before, name) for name in wanted} if before else None
        trail.record(actor, "debit_notice.rule_set", "debit_scheme", scheme, reason=where, before=old, after=wanted)


def _locked(invoice_id: str, account_id: int) -> Debit:
    invoice = None
    if "\0" not in invoice_id:
        mine = select(Invoice).where(Invoice.id == invoice_id, Invoice.account_id == account_id, is_to_come())
        invoice = db.session.scalar(
            mine.with_for_update(of=Invoice)
            .execution_options(populate_existing=True)
            .options(defer(Invoice.raw, raiseload=True))
        )
    debit = debits_of([invoice]).get(invoice_id) if invoice else None
    if debit is None:
        raise Unknown("Nothing will be debited for this invoice. Nothing was changed.")
    return debit


def _note(debit: Debit, actor: Actor, *, how: str, told_on: date, **more: Any) -> None:
    values = {
        "id": uuid4(), "account_id": debit.invoice.account_id, "scheme": debit.method.type, "about_type": "invoice",
        "about_id": debit.invoice.id, "customer_id": debit.customer.id, "payment_method_id": debit.method.id,
        "amount": debit.money.minor, "currency": debit.money.currency, "debit_on": debit.on, "told_on": told_on, "how": how,
        "noted_by": actor.name, "noted_at": clock.now(), **more,
    }  # fmt: skip
    added = insert(DebitNotice).values(values).on_conflict_do_nothing().returning(DebitNotice.id)
    if db.session.scalar(added) is None:
        raise Conflict("It is written down already that they were told of this debit.")
    after = {"amount": debit.money, "debit_on": debit.on, "told_on": told_on, "how": how}
    trail.record(
        actor,
        "debit_notice.noted",
        "invoice",
        debit.invoice.id,
        account_id=debit.invoice.account_id,
        reason=more.get("words"),
        after=after,
    )


def _reference(method: PaymentMethod) -> str:
    given = select(Mandate.reference).where(Mandate.payment_method_id == method.id, Mandate.status == "active")
    return db.session.scalar(given.order_by(Mandate.accepted_at.desc()).limit(1)) or ""
