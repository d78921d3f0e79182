"""Somebody pays by a link: promised here, a page asked of Stripe, and what came of it, said by Stripe alone."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.acts.operations import Asks
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, DomainError, GatewayRefused, GatewayUnavailable, Unknown
from app.mail import letters, outbox
from app.mirror import pull, raw
from app.mirror.pull import Reads
from app.models.account import Account
from app.models.checkout_session import CheckoutSession
from app.models.payment_intent import PaymentIntent
from app.models.payment_link import CheckoutVisit, PaymentLink
from app.web.tokens import digest, new_token

KIND = "checkout.session"
# Who tries stolen cards asks for many pages; a family behind one address asks for a few.
_MOST_PAGES = 10
_WINDOW = timedelta(minutes=10)
# A page Stripe was asked for and that never reached anybody: long after the longest call.
_LOST = timedelta(minutes=15)
# Stripe's pages end after 24 hours, and Stripe says so; this is how long we wait for the word before we ask.
_SILENT = timedelta(hours=1)
_LONGEST_AGENT = 500
_AT_ONCE = 100
_UNSETTLED = CheckoutVisit.state.in_(["open", "processing"])


class Gateway(Asks, Reads, Protocol):
    """What is needed of Stripe."""


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
        _forget(CheckoutVisit.id == visit_id)
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


def look(visit_id: UUID, *, gateway: Reads) -> CheckoutVisit:
    """Read from Stripe how this visit stands, and keep it.

    Raises:
        GatewayUnavailable, GatewayRefused: nothing was learnt.
    """
    visit = db.session.get_one(CheckoutVisit, visit_id, populate_existing=True)
    session_id, account_id = visit.session_id, visit.account_id
    db.session.rollback()
    if session_id:
        pull.read_again(KIND, session_id, gateway, account_id)
        intent = db.session.scalar(select(CheckoutSession.payment_intent_id).where(CheckoutSession.id == session_id))
        db.session.rollback()
        if intent:
            pull.read_again("payment_intent", intent, gateway, account_id)
    return settle(visit_id)


def settle(visit_id: UUID) -> CheckoutVisit:
    """Take over what the mirror knows of this visit. However many come at once, each change is made and told once."""
    with transaction():
        visit = db.session.get_one(CheckoutVisit, visit_id, with_for_update=True, populate_existing=True)
        session = db.session.get(CheckoutSession, visit.session_id) if visit.session_id else None
        if session is not None and visit.is_unsettled:
            became = _became(session, _intent_status(session))
            if became != visit.state:
                _change(visit, became, session)
        db.session.flush()
    return visit


def settle_all(gateway: Gateway) -> int:
    """Visits Stripe has told of, those it was silent about, and pages of links that are over; how many were seen to."""
    return _give_up_lost() + _settle_told() + _close_pages(gateway) + _ask_about_silent(gateway)


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
    if _forget(CheckoutVisit.link_id == link_id, CheckoutVisit.state == "requested"):
        return True
    oldest = db.session.scalar(
        select(CheckoutVisit.id)
        .where(CheckoutVisit.link_id == link_id, CheckoutVisit.state == "open")
        .order_by(CheckoutVisit.asked_at, CheckoutVisit.id)
        .limit(1)
    )
    return oldest is not None and _end_page(oldest, gateway).state in {"expired", "failed"}


def _end_page(visit_id: UUID, gateway: Gateway) -> CheckoutVisit:
    visit = db.session.get_one(CheckoutVisit, visit_id)
    session_id, key = str(visit.session_id), f"checkout-end:{visit_id}"
    db.session.rollback()
    # Stripe says no when it ended otherwise meanwhile: the read below says how.
    with suppress(GatewayRefused):
        gateway.ask("POST", f"/v1/checkout/sessions/{session_id}/expire", {}, key=key, about=session_id, kept={})
    return look(visit_id, gateway=gateway)


def _became(session: CheckoutSession, intent_status: str | None) -> str:
    """What Stripe says of a page and its payment, in our words."""
    if session.status == "expired":
        return "expired"
    if session.status != "complete":
        return "open"
    if session.payment_status in {"paid", "no_payment_required"}:
        return "paid"
    return "failed" if intent_status in {"requires_payment_method", "canceled"} else "processing"


def _intent_status(session: CheckoutSession) -> str | None:
    of_session = select(PaymentIntent.status).where(PaymentIntent.id == session.payment_intent_id)
    return db.session.scalar(of_session)


def _change(visit: CheckoutVisit, became: str, session: CheckoutSession) -> None:
    link = db.session.get_one(PaymentLink, visit.link_id)
    before, visit.state = visit.state, became
    visit.customer_id = session.customer_id or visit.customer_id
    visit.payment_intent_id = session.payment_intent_id
    if became == "paid":
        visit.paid_at = clock.now()
        _thank(link, visit, session.customer_email)
    if became in {"paid", "processing", "failed"}:
        after = {"state": became, "payment_intent": session.payment_intent_id, "amount": str(link.price)}
        trail.record(
            Actor.stripe(), f"payment_link.{became}", "payment_link", str(link.id),
            account_id=link.account_id, before={"state": before}, after=after,
        )  # fmt: skip


def _thank(link: PaymentLink, visit: CheckoutVisit, address: str | None) -> None:
    if not address:
        return
    seller = db.session.get_one(Account, link.account_id).name or ""
    letter = letters.write(
        "checkout.paid", seller=seller, title=link.title, amount=str(link.price), number=visit.session_id
    )
    about = ("payment_intent", visit.payment_intent_id) if visit.payment_intent_id else None
    try:
        outbox.post(
            letter, to=address, account_id=link.account_id, by="checkout", dedup=f"checkout.paid:{visit.id}",
            about=about, customer_id=visit.customer_id,
        )  # fmt: skip
    except BadRequest:
        return  # Stripe's pages take addresses that no mail server would; the payment stands all the same.


def _give_up_lost() -> int:
    return _forget(CheckoutVisit.asked_at < clock.now() - _LOST)


def _forget(*which: ColumnElement[bool]) -> int:
    """End visits whose page nobody was given the address of, so that nobody can pay on it; how many."""
    with transaction():
        lost = update(CheckoutVisit).where(CheckoutVisit.state == "requested", *which).values(state="expired")
        return len(db.session.scalars(lost.returning(CheckoutVisit.id)).all())


def _settle_told() -> int:
    """The mirror knows more than we have written down."""
    failed = PaymentIntent.status.in_(["requires_payment_method", "canceled"])
    told = or_(
        (CheckoutVisit.state == "open") & CheckoutSession.status.in_(["complete", "expired"]),
        (CheckoutVisit.state == "processing") & ((CheckoutSession.payment_status == "paid") | failed),
    )
    return _each(
        select(CheckoutVisit.id)
        .join(CheckoutSession, CheckoutSession.id == CheckoutVisit.session_id)
        .outerjoin(PaymentIntent, PaymentIntent.id == CheckoutSession.payment_intent_id)
        .where(_UNSETTLED, told)
        .order_by(CheckoutVisit.asked_at)
        .limit(_AT_ONCE),
        settle,
    )


def _close_pages(gateway: Gateway) -> int:
    over = or_(PaymentLink.closed_at.is_not(None), PaymentLink.expires_at <= clock.now())
    return _each(
        select(CheckoutVisit.id)
        .join(PaymentLink, PaymentLink.id == CheckoutVisit.link_id)
        .where(CheckoutVisit.state == "open", over, _not_just_looked())
        .order_by(CheckoutVisit.asked_at)
        .limit(_AT_ONCE),
        lambda visit_id: _noted(visit_id, lambda: _end_page(visit_id, gateway)),
    )


def _ask_about_silent(gateway: Gateway) -> int:
    silent = func.coalesce(CheckoutVisit.looked_at, CheckoutVisit.asked_at) < clock.now() - _SILENT
    return _each(
        select(CheckoutVisit.id).where(_UNSETTLED, silent).order_by(CheckoutVisit.asked_at).limit(_AT_ONCE),
        lambda visit_id: _noted(visit_id, lambda: look(visit_id, gateway=gateway)),
    )


def _not_just_looked() -> Any:
    return or_(CheckoutVisit.looked_at.is_(None), CheckoutVisit.looked_at < clock.now() - timedelta(minutes=1))


def _noted(visit_id: UUID, act: Any) -> None:
    """Do it, and write down that it was tried: a page Stripe says no about does not hold the others up."""
    with transaction():
        db.session.execute(update(CheckoutVisit).where(CheckoutVisit.id == visit_id).values(looked_at=clock.now()))
    try:
        act()
    except (GatewayRefused, Unknown):
        return


def _each(query: Any, act: Any) -> int:
    ids: Iterable[UUID] = db.session.scalars(query).all()
    db.session.rollback()
    done = 0
    for visit_id in ids:
        try:
            act(visit_id)
        except GatewayUnavailable:
            break  # Stripe is away: the others wait, too.
        done += 1
    return done
