"""A payment link, and somebody who pays by it on the sandbox's page as a browser would."""

from typing import Any
from uuid import UUID, uuid4

from app.actor import Actor
from app.checkout import links
from app.database import db
from app.models.payment_link import CheckoutVisit, PaymentLink
from app.money import Money
from tests.sandbox.client import Sandbox

ANA = Actor("staff", "ana@shop.example")


def made(account_id: int, amount: str = "20.00", currency: str = "eur", **more: Any) -> PaymentLink:
    """A link for one payment."""
    wanted: dict[str, Any] = {
        "title": "Darjeeling, 250 g",
        "customer_id": None,
        "max_uses": 1,
        "expires_at": None,
    } | more
    price = Money.parse(amount, currency)
    link_id = links.make(promise=uuid4(), account_id=account_id, price=price, actor=ANA, **wanted)
    return again(link_id)


def again(link_id: UUID) -> PaymentLink:
    db.session.rollback()
    return db.session.get_one(PaymentLink, link_id, populate_existing=True)


def visits(link: PaymentLink) -> list[str]:
    """The states of its visits, the oldest first."""
    link_id = link.id
    db.session.rollback()
    found = db.session.query(CheckoutVisit).filter_by(link_id=link_id).order_by(CheckoutVisit.asked_at)
    return [visit.state for visit in found.populate_existing()]


def pay(sandbox: Sandbox, session: str, *, amount: int = 2_000, **method: Any) -> Any:
    """Pay on Stripe's page, as the command line does it; the session afterwards."""
    kind: dict[str, Any] = method or {"type": "card", "card": {"token": "tok_visa"}}
    details = {"email": "jo@example.com", "name": "Jo Mora"}
    given = sandbox.stripe().v1.payment_methods.create({**kind, "billing_details": details})  # type: ignore[typeddict-item]
    return sandbox.post(f"/v1/payment_pages/{session}/confirm", {"payment_method": given.id, "expected_amount": amount})
