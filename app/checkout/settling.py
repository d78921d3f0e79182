"""Visits whose payer never came back, as a job finds them."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, update

from app import clock
from app.checkout import outcomes
from app.checkout.outcomes import Gateway
from app.database import db, transaction
from app.errors import GatewayRefused, GatewayUnavailable, Unknown
from app.models.checkout_session import CheckoutSession
from app.models.payment_intent import PaymentIntent
from app.models.payment_link import CheckoutVisit, PaymentLink

# A page Stripe was asked for and that never reached anybody: long after the longest call.
_LOST = timedelta(minutes=15)
# Stripe's pages end after 24 hours, and Stripe says so; this is how long we wait for the word before we ask.
_SILENT = timedelta(hours=1)
_AT_ONCE = 100
_UNSETTLED = CheckoutVisit.state.in_(["open", "processing"])


def settle_all(gateway: Gateway) -> int:
    """Visits Stripe has told of, those it was silent about, and pages of links that are over; how many were seen to."""
    # Nobody was ever given the address of these pages.
    lost = outcomes.forget(CheckoutVisit.asked_at < clock.now() - _LOST)
    return lost + _settle_told() + _close_pages(gateway) + _ask_about_silent(gateway)


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
        outcomes.settle,
    )


def _close_pages(gateway: Gateway) -> int:
    over = or_(PaymentLink.closed_at.is_not(None), PaymentLink.expires_at <= clock.now())
    return _each(
        select(CheckoutVisit.id)
        .join(PaymentLink, PaymentLink.id == CheckoutVisit.link_id)
        .where(CheckoutVisit.state == "open", over, _not_just_looked())
        .order_by(CheckoutVisit.asked_at)
        .limit(_AT_ONCE),
        lambda visit_id: _noted(visit_id, lambda: outcomes.end_page(visit_id, gateway)),
    )


def _ask_about_silent(gateway: Gateway) -> int:
    silent = func.coalesce(CheckoutVisit.looked_at, CheckoutVisit.asked_at) < clock.now() - _SILENT
    return _each(
        select(CheckoutVisit.id).where(_UNSETTLED, silent).order_by(CheckoutVisit.asked_at).limit(_AT_ONCE),
        lambda visit_id: _noted(visit_id, lambda: outcomes.look(visit_id, gateway=gateway)),
    )


def _not_just_looked() -> ColumnElement[bool]:
    return or_(CheckoutVisit.looked_at.is_(None), CheckoutVisit.looked_at < clock.now() - timedelta(minutes=1))


def _noted(visit_id: UUID, act: Callable[[], object]) -> None:
    """Do it, and write down that it was tried: a page Stripe says no about does not hold the others up."""
    with transaction():
        db.session.execute(update(CheckoutVisit).where(CheckoutVisit.id == visit_id).values(looked_at=clock.now()))
    try:
        act()
    except (GatewayRefused, Unknown):
        return


def _each(query: Select[UUID], act: Callable[[UUID], object]) -> int:
    ids = db.session.scalars(query).all()
    db.session.rollback()
    done = 0
    for visit_id in ids:
        try:
            act(visit_id)
        except GatewayUnavailable:
            break  # Stripe is away: the others wait, too.
        done += 1
    return done
