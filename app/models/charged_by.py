"""Which way to pay Stripe takes for a subscription: the first that is named, in Stripe's order (RULES B6)."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, func, or_

from app.models.customer import Customer
from app.models.subscription import Subscription

ENDED = ("canceled", "incomplete_expired")

# For queries that join the subscription's customer; the same order as `order_of`.
METHOD_ID = func.coalesce(
    Subscription.default_payment_method_id,
    Subscription.default_source_id,
    Customer.default_payment_method_id,
    Customer.default_source_id,
)
# It goes on, and Stripe takes the money by itself.
CHARGES = and_(
    Subscription.status.not_in(ENDED),
    Subscription.deleted_at.is_(None),
    or_(Subscription.collection_method.is_(None), Subscription.collection_method != "send_invoice"),
)

STEPS: Mapping[str, str] = {
    "subscription.default_payment_method": "Set on the subscription",
    "subscription.default_source": "Set on the subscription, as a source",
    "customer.default_payment_method": "The customer’s default",
    "customer.default_source": "The customer’s default, as a source",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One of the places where Stripe looks. `name`: a key of STEPS; `method_id`: what stands there."""

    name: str
    method_id: str | None

    @property
    def label(self) -> str:
        return STEPS[self.name]


def order_of(subscription: Subscription, customer: Customer | None) -> list[Step]:
    """Where Stripe looks for a way to pay, in its order; what stands first is taken."""
    named = (
        subscription.default_payment_method_id,
        subscription.default_source_id,
        customer.default_payment_method_id if customer else None,
        customer.default_source_id if customer else None,
    )
    return [Step(name, method_id) for name, method_id in zip(STEPS, named, strict=True)]


def taken(subscription: Subscription, customer: Customer | None, *, without: str | None = None) -> Step | None:
    """The step that Stripe takes; `without` is passed over, as if it were not there any more."""
    steps = order_of(subscription, customer)
    return next((step for step in steps if step.method_id and step.method_id != without), None)
