"""What customers see of a payment link: one page before Stripe's, and one after it."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.checkout import outcomes, paying
from app.checkout.paying import BeingPaid, LinkOver, TooMany
from app.database import db
from app.errors import DomainError, GatewayRefused, GatewayUnavailable
from app.gateways.current import gateway
from app.models.account import Account
from app.models.payment_link import CheckoutVisit, PaymentLink
from app.settings import Settings
from app.web.headers import allow_form_target
from app.web.permissions import PUBLIC, needs

pages = Blueprint("checkout", __name__, url_prefix="/checkout")

_AWAY = "The payment page cannot be opened just now. Nothing was paid. Try again in a few minutes."
# Seconds after which a page that waits for Stripe looks again.
_AGAIN = {"requested": 3, "open": 3, "processing": 20}


@pages.route("/<token>")
@needs(PUBLIC)
def start(token: str) -> ResponseReturnValue:
    """What is paid for, how much, and to whom. Looking at it changes nothing."""
    link = paying.link_of(token)
    return _start_page(link) if link else _over(None)


@pages.route("/<token>", methods=["POST"])
@needs(PUBLIC)
def leave(token: str) -> ResponseReturnValue:
    """To Stripe's page, which was made this moment."""
    settings: Settings = current_app.extensions["settings"]
    link = paying.link_of(token)
    if link is None:
        return _over(None)
    try:
        address = paying.lead_to_stripe(
            token,
            domain=settings.domain,
            gateway=gateway(),
            ip=request.remote_addr,
            user_agent=request.user_agent.string or None,
        )
    except LinkOver:
        return _over(link)
    except (BeingPaid, TooMany) as refusal:
        return _start_page(link, error=str(refusal), status=refusal.status)
    except DomainError:
        return _start_page(link, error=_AWAY, status=503)
    return redirect(address, 303)


@pages.route("/visit/<secret>/done")
@needs(PUBLIC)
def done(secret: str) -> ResponseReturnValue:
    """Where Stripe leads back to: says paid only when Stripe does, whatever the address says."""
    visit = paying.visit_of(secret)
    if visit is None:
        return _over(None)
    visit_id, told = visit.id, True
    if visit.is_unsettled:
        try:
            visit = outcomes.look(visit_id, gateway=gateway())
        except (GatewayUnavailable, GatewayRefused):
            db.session.rollback()
            visit, told = db.session.get_one(CheckoutVisit, visit_id), False
    return _end_page(visit, told=told)


@pages.route("/visit/<secret>/back")
@needs(PUBLIC)
def back(secret: str) -> ResponseReturnValue:
    """Somebody left Stripe's page without paying."""
    visit = paying.visit_of(secret)
    if visit is None:
        return _over(None)
    if visit.state in {"paid", "processing"}:
        return redirect(url_for(".done", secret=secret), 303)
    return _start_page(db.session.get_one(PaymentLink, visit.link_id), came_back=True)


def _start_page(
    link: PaymentLink, *, error: str | None = None, came_back: bool = False, status: int = 200
) -> ResponseReturnValue:
    if link.state != "open":
        return _over(link)
    settings: Settings = current_app.extensions["settings"]
    # Stripe's page may be at an address of the shop's own; the sandbox's is where its API is.
    allow_form_target("https:")
    own = urlsplit(settings.stripe_api_base)
    allow_form_target(f"{own.scheme}://{own.netloc}")
    page = render_template(
        "checkout/start.html",
        link=link,
        seller=_seller(link),
        error=error,
        came_back=came_back,
        action=url_for("checkout.leave", token=link.token),
    )
    return make_response(page, status)


def _end_page(visit: CheckoutVisit, *, told: bool) -> ResponseReturnValue:
    link = db.session.get_one(PaymentLink, visit.link_id, populate_existing=True)
    answer = make_response(
        render_template(
            "checkout/done.html",
            visit=visit,
            link=link,
            seller=_seller(link),
            told=told,
            again=url_for("checkout.start", token=link.token) if link.state == "open" else None,
        ),
        200 if told else 503,
    )
    if visit.is_unsettled:
        answer.headers["Refresh"] = str(_AGAIN[visit.state])
    return answer


def _over(link: PaymentLink | None) -> ResponseReturnValue:
    used_up = bool(link and link.state == "used_up")
    return make_response(render_template("checkout/over.html", used_up=used_up), LinkOver.status)


def _seller(link: PaymentLink) -> str:
    return db.session.get_one(Account, link.account_id).name or ""
