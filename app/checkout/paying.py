"""Somebody pays by a link: promised here, then a page is asked of Stripe."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.checkout import outcomes
from app.checkout.outcomes import Gateway
from app.database import db, transaction
from app.errors import Conflict, DomainError
from app.mirror import raw
from app.models.payment_link import CheckoutVisit, PaymentLink
from app.web.tokens import digest, new_token

# Who tries stolen cards asks for many pages; a family behind one address asks for a few.
_MOST_PAGES = 10
_WINDOW = timedelta(minutes=10)
_LONGEST_AGENT = 500


class LinkOver(DomainError):
    """Nobody pays by this link any more, or never did."""

    status = 410


class TooMany(DomainError):
    """More pages were asked for from one address than a person needs."""

    status = 429


class BeingPaid(Conflict):
    """The last use of the link is taken by somebody who has paid, or is about to."""


def link_of(token: str) -> PaymentLink | None:
    """The link with this in its address; its uses as the database has them now, for a trigger counts them."""
    if not (token.isascii() and token.isprintable()):
        return None
    found = select(PaymentLink).where(PaymentLink.token == token)
    return db.session.scalar(found.execution_options(populate_existing=True))


def visit_of(secret: str) -> CheckoutVisit | None:
    """The visit whose payer holds this."""
    return db.session.scalar(select(CheckoutVisit).where(CheckoutVisit.secret_hash == digest(secret)))


def lead_to_stripe(token: str, *, domain: str, gateway: Gateway, ip: str | None, user_agent: str | None) -> str:
    """A page of Stripe's for this payment; its address.

    A link with few uses whose last one is held by an open page gives it to who came later: that page is closed at Stripe first.

    Raises:
        LinkOver, BeingPaid, TooMany: why nobody is led on. GatewayUnavailable, GatewayRefused: Stripe made no page.
    """
    try:
        visit_id, secret = _promise(token, ip=ip, user_agent=user_agent)
    except BeingPaid:
        if not _let_go(token, gateway):
            raise
        visit_id, secret = _promise(token, ip=ip, user_agent=user_agent)
    visit = db.session.get_one(CheckoutVisit, visit_id)
    link = db.session.get_one(PaymentLink, visit.link_id)
    account_id, form = link.account_id, _form(link, visit_id, f"{domain}/checkout/visit/{secret}")
    kept = {"amount": str(link.amount), "currency": link.currency}
    about = str(link.id)
    db.session.rollback()  # nothing stays open while Stripe is asked
    try:
        answer = gateway.ask("POST", "/v1/checkout/sessions", form, key=f"checkout:{visit_id}", about=about, kept=kept)
    except DomainError:
        # Whether or not Stripe made a page: nobody was given its address, so nobody can pay on it.
        outcomes.forget(CheckoutVisit.id == visit_id)
        raise
    with transaction():
        given = (
            update(CheckoutVisit)
            .where(CheckoutVisit.id == visit_id, CheckoutVisit.state == "requested")
            .values(state="open", session_id=str(answer.body["id"]), customer_id=answer.body.get("customer"))
            .returning(CheckoutVisit.id)
        )
        if db.session.scalar(given) is None:
            raise BeingPaid("The payment page was opened somewhere else meanwhile. Pay there, or try again here.")
        payer = Actor("customer", form.get("customer") or "somebody", ip=ip)
        after = {"session": str(answer.body["id"])}
        trail.record(payer, "payment_link.opened", "payment_link", about, account_id=account_id, after=after)
    return str(answer.body["url"])


def _promise(token: str, *, ip: str | None, user_agent: str | None) -> tuple[UUID, str]:
    now, secret, visit_id = clock.now(), new_token(), uuid4()
    agent = raw.clean_text(user_agent or "")[:_LONGEST_AGENT] or None
    try:
        with transaction():
            link = link_of(token)
            if link is None or link.state in {"closed", "expired"}:
                raise LinkOver("This link is no longer good.")
            _check_pace(link.account_id, ip, now)
            db.session.add(
                CheckoutVisit(
                    id=visit_id, account_id=link.account_id, link_id=link.id, secret_hash=digest(secret), state="requested",
                    customer_id=link.customer_id, ip=ip, user_agent=agent, asked_at=now,
                )
            )  # fmt: skip
            db.session.flush()
    except IntegrityError as error:
        if "has no use left" in str(error.orig):
            raise BeingPaid("Somebody has paid by this link, or is paying just now.") from error
        if "is over" in str(error.orig):
            raise LinkOver("This link is no longer good.") from error
        raise
    return visit_id, secret


def _check_pace(account_id: int, ip: str | None, now: datetime) -> None:
    if ip is None:
        return
    # Whoever tries cards asks for many pages at once: each waits for the one before, and is counted.
    db.session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"checkout {account_id} {ip}", 7266306)))
    )
    lately = select(func.count()).where(
        CheckoutVisit.account_id == account_id, CheckoutVisit.ip == ip, CheckoutVisit.asked_at > now - _WINDOW
    )
    if (db.session.scalar(lately) or 0) >= _MOST_PAGES:
        raise TooMany("The payment page was opened very often just now. Try again in ten minutes.")


def _form(link: PaymentLink, visit_id: UUID, back: str) -> dict[str, Any]:
    """What is asked of Stripe. The price is the link's, and nothing the browser sent is in it."""
    promise = {"counterfoil_checkout": str(visit_id), "counterfoil_payment_link": str(link.id)}
    goods = {"currency": link.currency, "unit_amount": link.amount, "product_data": {"name": link.title}}
    form: dict[str, Any] = {
        "mode": "payment",
        "line_items": [{"price_data": goods, "quantity": 1}],
        "client_reference_id": str(visit_id),
        "success_url": f"{back}/done",
        "cancel_url": f"{back}/back",
        "metadata": promise,
        "payment_intent_data": {"metadata": promise, "description": link.title},
    }
    return form | ({"customer": link.customer_id} if link.customer_id else {"customer_creation": "always"})


def _let_go(token: str, gateway: Gateway) -> bool:
    """Whoever comes later gets the use that an unpaid page holds; whether one came free."""
    link = link_of(token)
    if link is None:
        return False
    link_id = link.id
    if outcomes.forget(CheckoutVisit.link_id == link_id, CheckoutVisit.state == "requested"):
        return True
    oldest = db.session.scalar(
        select(CheckoutVisit.id)
        .where(CheckoutVisit.link_id == link_id, CheckoutVisit.state == "open")
        .order_by(CheckoutVisit.asked_at, CheckoutVisit.id)
        .limit(1)
    )
    return oldest is not None and outcomes.end_page(oldest, gateway).state in {"expired", "failed"}
