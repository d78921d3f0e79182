"""What became of a visit to Stripe's payment page: said by Stripe alone, and taken over once."""

from contextlib import suppress
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from app import clock
from app.actor import Actor
from app.acts.operations import Asks
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, GatewayRefused
from app.mail import letters, outbox
from app.mirror import pull
from app.mirror.pull import Reads
from app.models.account import Account
from app.models.checkout_session import CheckoutSession
from app.models.payment_intent import PaymentIntent
from app.models.payment_link import CheckoutVisit, PaymentLink

_KIND = "checkout.session"


class Gateway(Asks, Reads, Protocol):
    """What is needed of Stripe."""


def look(visit_id: UUID, *, gateway: Reads) -> CheckoutVisit:
    """Read from Stripe how this visit stands, and keep it.

    Raises:
        GatewayUnavailable, GatewayRefused: nothing was learnt.
    """
    visit = db.session.get_one(CheckoutVisit, visit_id, populate_existing=True)
    session_id, account_id = visit.session_id, visit.account_id
    db.session.rollback()
    if session_id:
        pull.read_again(_KIND, session_id, gateway, account_id)
        intent = db.session.scalar(select(CheckoutSession.payment_intent_id).where(CheckoutSession.id == session_id))
        db.session.rollback()
        if intent:
            pull.read_again("payment_intent", intent, gateway, account_id)
    return settle(visit_id)


def settle(visit_id: UUID) -> CheckoutVisit:
    """Take over what the mirror knows of this visit. However many come at once, each change is made and told once."""
    with transaction():
        visit = db.session.get_one(CheckoutVisit, visit_id, with_for_update=True, populate_existing=True)
        session = (
            db.session.get(CheckoutSession, visit.session_id, populate_existing=True) if visit.session_id else None
        )
        if session is not None and visit.is_unsettled:
            became = _became(session, _intent_status(session))
            if became != visit.state:
                _change(visit, became, session)
        db.session.flush()
    return visit


def end_page(visit_id: UUID, gateway: Gateway) -> CheckoutVisit:
    """Close its page at Stripe, unless it ended otherwise, and keep how it stands now.

    Raises:
        GatewayUnavailable: it may or may not be closed; asking again is harmless. GatewayRefused: it cannot be read.
    """
    visit = db.session.get_one(CheckoutVisit, visit_id)
    session_id, key = str(visit.session_id), f"checkout-end:{visit_id}"
    db.session.rollback()
    # Stripe says no when it ended otherwise meanwhile: the read below says how.
    with suppress(GatewayRefused):
        gateway.ask("POST", f"/v1/checkout/sessions/{session_id}/expire", {}, key=key, about=session_id, kept={})
    return look(visit_id, gateway=gateway)


def forget(*which: ColumnElement[bool]) -> int:
    """End visits whose page nobody was given the address of, so that nobody can pay on it; how many."""
    with transaction():
        lost = update(CheckoutVisit).where(CheckoutVisit.state == "requested", *which).values(state="expired")
        return len(db.session.scalars(lost.returning(CheckoutVisit.id)).all())


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
