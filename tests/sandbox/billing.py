"""Short words for billing journeys: a customer with a card, a price, a subscription, and time that passes."""

import time
from typing import Any

import stripe

from tests.sandbox.client import Sandbox

DAY = 86_400


def customer(client: stripe.StripeClient, card: str | None = "pm_card_visa", **more: Any) -> stripe.Customer:
    """With a saved card as default, unless `card` is None."""
    saved: Any = {"payment_method": card, "invoice_settings": {"default_payment_method": card}} if card else {}
    params: Any = {"email": "ana@example.com", "name": "Ana", **saved, **more}
    return client.v1.customers.create(params)


def price(
    client: stripe.StripeClient, amount: int = 1_500, interval: str | None = "month", **more: Any
) -> stripe.Price:
    """Of a new product called Tea."""
    often: Any = {"recurring": {"interval": interval, "interval_count": more.pop("every", 1)}} if interval else {}
    params: Any = {"currency": "usd", "unit_amount": amount, "product_data": {"name": "Tea"}, **often, **more}
    return client.v1.prices.create(params)


def subscribe(client: stripe.StripeClient, customer_id: str, *prices: str, **more: Any) -> stripe.Subscription:
    """`latest_invoice` comes expanded."""
    items: Any = [{"price": one} for one in prices]
    params: Any = {"customer": customer_id, "items": items, "expand": ["latest_invoice"], **more}
    return client.v1.subscriptions.create(params)


def latest(subscription: stripe.Subscription) -> stripe.Invoice:
    assert isinstance(subscription.latest_invoice, stripe.Invoice)
    return subscription.latest_invoice


def item_of(subscription: stripe.Subscription) -> stripe.SubscriptionItem:
    found: stripe.SubscriptionItem = subscription["items"].data[0]
    return found


def invoices(client: stripe.StripeClient, subscription: str) -> list[stripe.Invoice]:
    """Of a subscription, oldest first."""
    return client.v1.invoices.list({"subscription": subscription, "limit": 100}).data[::-1]


def clock(client: stripe.StripeClient, at: int) -> stripe.test_helpers.TestClock:
    return client.v1.test_helpers.test_clocks.create({"frozen_time": at})


def advance(sandbox: Sandbox, clock_id: str, to: int) -> None:
    """Move a test clock and wait until it is there."""
    client = sandbox.stripe()
    assert client.v1.test_helpers.test_clocks.advance(clock_id, {"frozen_time": to}).status == "advancing"
    sandbox.wait_for(lambda: client.v1.test_helpers.test_clocks.retrieve(clock_id).status == "ready")


def utc(text: str) -> int:
    """`2026-01-31` as Unix seconds at noon UTC."""
    return int(time.mktime(time.strptime(text + " 12:00 UTC", "%Y-%m-%d %H:%M %Z"))) - time.timezone
