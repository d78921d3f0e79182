"""Asking customers for a new card before theirs ends: one letter, one link, and what came of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer

from app import clock
from app.actor import Actor
from app.acts.operations import Asks
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, DomainError, Unknown
from app.mail import letters, outbox
from app.models.account import Account
from app.models.card_update_link import GOOD_FOR, MOST_OPENINGS, PAUSE, CardUpdateLink, MailOptOut
from app.models.charged_by import CHARGES, METHOD_ID
from app.models.customer import Customer
from app.models.payment_method import PaymentMethod
from app.models.subscription import Subscription
from app.web.tokens import digest, new_token

KIND = "card.expiring"
SOON = timedelta(days=60)
# A browser that sends its form twice opens one page of Stripe's, not two.
_BREATH = timedelta(seconds=3)
_AT_ONCE = 500


class LinkOver(DomainError):
    """Nobody is led anywhere by this link any more, or never was."""

    status = 410


@dataclass(frozen=True, slots=True)
class Told:
    """What is known about asking for one card. state: unasked, asked, opened, updated, opted_out or no_address."""

    state: str
    at: datetime | None = None
    by: str | None = None


def is_charged() -> ColumnElement[bool]:
    """The condition, on a payment method, that Stripe charges a subscription to it."""
    named = (
        select(Subscription.id)
        .outerjoin(Customer, Customer.id == Subscription.customer_id)
        .where(
            Subscription.customer_id == PaymentMethod.customer_id,
            Subscription.account_id == PaymentMethod.account_id,
            CHARGES,
            PaymentMethod.id == METHOD_ID,
        )
    )
    return exists(named.correlate(PaymentMethod))


def ending(now: datetime) -> ColumnElement[bool]:
    """Cards that a subscription is charged to and that are good for less than 60 days more, or not any more."""
    mine = PaymentMethod.customer_id.is_not(None) & PaymentMethod.deleted_at.is_(None)
    return mine & (PaymentMethod.expires_at < now + SOON) & is_charged()


def ask(method_id: str, *, account_id: int, domain: str, actor: Actor) -> UUID:
    """Write to the customer; the id of the mail.

    Raises:
        Unknown: no such card. BadRequest: there is nowhere to write to, or nothing ends soon.
        Conflict: they were asked less than 14 days ago, or do not want to be.
    """
    now, token = clock.now(), new_token()
    try:
        with transaction():
            method, customer = _asked_about(method_id, account_id, now)
            letter = letters.write(
                KIND,
                seller=_seller(account_id),
                card=f"{(method.brand or 'card').capitalize()} •••• {method.last4}",
                until=method.expires,
                is_over=method.expires_at is not None and method.expires_at <= now,
                link=f"{domain}/card/{token}",
                stop=f"{domain}/card/{token}/no-more",
            )
            link_id = uuid4()
            mail_id = outbox.post(
                letter,
                to=customer.email or "",
                account_id=account_id,
                by=actor.name,
                dedup=f"{KIND}:{link_id}",
                about=("payment_method", method.id),
                customer_id=customer.id,
            )
            db.session.add(
                CardUpdateLink(
                    id=link_id, account_id=account_id, customer_id=customer.id, payment_method_id=method.id,
                    fingerprint=method.fingerprint, card_expires_at=method.expires_at, token_hash=digest(token),
                    mail_id=mail_id, asked_by=actor.name, asked_at=now, expires_at=now + GOOD_FOR,
                )
            )  # fmt: skip
            db.session.flush()
            after = {"mail": mail_id, "customer": customer.id}
            trail.record(actor, "method.update_asked", "payment_method", method.id, account_id=account_id, after=after)
    except IntegrityError as error:
        if "card_is_asked_about_once" in str(error.orig) or "less than 14 days ago" in str(error.orig):
            raise Conflict("They were asked about this card less than 14 days ago. Nothing was sent.") from error
        raise
    return mail_id


def ask_all(*, account_id: int, domain: str, actor: Actor) -> tuple[int, int]:
    """Write to everybody who can be asked now, each in a transaction of its own: (written, left out)."""
    now = clock.now()
    waiting = db.session.scalars(
        select(PaymentMethod.id)
        .where(PaymentMethod.account_id == account_id, ending(now))
        .order_by(PaymentMethod.expires_at, PaymentMethod.id)
        .limit(_AT_ONCE)
    ).all()
    db.session.rollback()
    written = 0
    for method_id in waiting:
        try:
            ask(method_id, account_id=account_id, domain=domain, actor=actor)
        except DomainError:
            # What keeps each from being asked stands on its line.
            continue
        written += 1
    return written, len(waiting) - written


def open_link(token: str) -> CardUpdateLink | None:
    """The link, as long as it leads anywhere. Looking changes nothing: mail programs look at links before people do."""
    found = db.session.scalar(select(CardUpdateLink).where(CardUpdateLink.token_hash == digest(token)))
    return found if found and found.is_open else None


def lead_to_stripe(token: str, *, domain: str, gateway: Asks, ip: str | None) -> str:
    """A page of Stripe's, made this moment, on which the customer gives another card; its address.

    Raises:
        LinkOver: this link leads nowhere any more. Conflict: it was opened a moment ago.
        GatewayUnavailable, GatewayRefused: Stripe made no page.
    """
    now = clock.now()
    with transaction():
        link = open_link(token)
        if link is None:
            raise LinkOver("This link is no longer good.")
        counted = (
            update(CardUpdateLink)
            .where(
                CardUpdateLink.id == link.id,
                CardUpdateLink.opens < MOST_OPENINGS,
                func.coalesce(CardUpdateLink.opened_at, CardUpdateLink.asked_at - _BREATH) <= now - _BREATH,
            )
            .values(opens=CardUpdateLink.opens + 1, opened_at=now)
            .returning(CardUpdateLink.opens)
        )
        number = db.session.scalar(counted)
        if number is None:
            raise Conflict("It was opened a moment ago. Wait a few seconds, and try again.")
        customer_id, link_id = link.customer_id, link.id
        trail.record(
            Actor("customer", customer_id, ip=ip),
            "method.update_opened",
            "payment_method",
            link.payment_method_id,
            account_id=link.account_id,
            after={"customer": customer_id},
        )
    form = {
        "customer": customer_id,
        "flow_data": {"type": "payment_method_update"},
        "return_url": f"{domain}/card/done",
    }
    answer = gateway.ask(
        "POST", "/v1/billing_portal/sessions", form, key=f"portal:{link_id}:{number}", about=customer_id, kept={}
    )
    return str(answer.body["url"])


def no_more(token: str, *, ip: str | None) -> None:
    """The customer wants no more such letters, about whichever card.

    Raises:
        LinkOver: nobody was written to with this link.
    """
    with transaction():
        link = db.session.scalar(select(CardUpdateLink).where(CardUpdateLink.token_hash == digest(token)))
        if link is None:
            raise LinkOver("This link is no longer good.")
        row = {"account_id": link.account_id, "customer_id": link.customer_id, "kind": KIND}
        said = insert(MailOptOut).values({**row, "said_at": clock.now(), "said_by": "link"})
        if db.session.scalar(said.on_conflict_do_nothing().returning(MailOptOut.kind)) is None:
            return
        trail.record(
            Actor("customer", link.customer_id, ip=ip),
            "mail.opted_out",
            "customer",
            link.customer_id,
            account_id=link.account_id,
            after={"kind": KIND},
        )


def told_about(found: Sequence[PaymentMethod], customers: dict[str, Any], now: datetime) -> dict[str, Told]:
    """What is known about asking for each of these cards; two questions for all of them."""
    ids = [method.id for method in found]
    newest: dict[str, CardUpdateLink] = {}
    asked = select(CardUpdateLink).where(CardUpdateLink.payment_method_id.in_(ids)).order_by(CardUpdateLink.asked_at)
    for link in db.session.scalars(asked):
        newest[link.payment_method_id] = link
    silent = _silent(method.customer_id for method in found)
    return {method.id: _told(method, newest.get(method.id), customers, silent, now) for method in found}


def came_of(links: Sequence[CardUpdateLink]) -> dict[UUID, str]:
    """What came of each of these letters: updated, opened, asked or over; one question for all of them."""
    ids = {link.payment_method_id for link in links}
    asked = select(PaymentMethod.id, PaymentMethod.expires_at, is_charged()).where(PaymentMethod.id.in_(ids))
    cards = {row[0]: row for row in db.session.execute(asked)} if ids else {}
    return {link.id: _became(link, cards.get(link.payment_method_id)) for link in links}


def _became(link: CardUpdateLink, card: Any) -> str:
    if card and ((card[1] and card[1] > link.card_expires_at) or not card[2]):
        return "updated"
    if not link.is_open:
        return "over"
    return "opened" if link.opens else "asked"


def _told(
    method: PaymentMethod, link: CardUpdateLink | None, customers: dict[str, Any], silent: set[str], now: datetime
) -> Told:
    if link and method.expires_at and method.expires_at > link.card_expires_at:
        return Told("updated", link.asked_at, link.asked_by)
    if method.customer_id in silent:
        return Told("opted_out")
    if link and link.asked_at > now - PAUSE:
        return Told("opened" if link.opens else "asked", link.opened_at or link.asked_at, link.asked_by)
    customer = customers.get(method.customer_id or "")
    return Told("unasked" if customer and customer.email else "no_address")


def _silent(ids: Iterable[str | None]) -> set[str]:
    wanted = {found for found in ids if found}
    said = select(MailOptOut.customer_id).where(MailOptOut.customer_id.in_(wanted), MailOptOut.kind == KIND)
    return set(db.session.scalars(said)) if wanted else set()


def _asked_about(method_id: str, account_id: int, now: datetime) -> tuple[PaymentMethod, Customer]:
    row = db.session.execute(
        select(PaymentMethod, Customer)
        .join(Customer, Customer.id == PaymentMethod.customer_id)
        .where(PaymentMethod.id == method_id, PaymentMethod.account_id == account_id, Customer.account_id == account_id)
        .where(ending(now))
        .options(defer(PaymentMethod.raw, raiseload=True), defer(Customer.raw, raiseload=True))
    ).first()
    if row is None:
        raise Unknown("This card does not end within 60 days, or no subscription is charged to it. Nothing was sent.")
    method, customer = row
    if not customer.email or customer.deleted_at:
        raise BadRequest("No e-mail address is known for this customer.")
    if _silent([customer.id]):
        raise Conflict("This customer does not want such letters. Nothing was sent.")
    return method, customer


def _seller(account_id: int) -> str:
    return db.session.get_one(Account, account_id).name or ""
