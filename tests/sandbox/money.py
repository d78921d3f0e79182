"""Short words for the journeys: pay with a card, read the events, look at the books."""

from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox

CARDS_ONLY: Any = {"enabled": True, "allow_redirects": "never"}
RETURN_URL = "https://shop.example/back"
MANDATE: Any = {
    "customer_acceptance": {
        "type": "online",
        "accepted_at": 1_790_000_000,
        "online": {"ip_address": "203.0.113.7", "user_agent": "Firefox"},
    }
}


def pay(
    client: stripe.StripeClient, method: str = "pm_card_visa", amount: int = 2_000, currency: str = "usd", **more: Any
) -> stripe.PaymentIntent:
    """Create and confirm a card payment; `latest_charge` comes expanded."""
    params: Any = {
        "amount": amount,
        "currency": currency,
        "payment_method": method,
        "confirm": True,
        "automatic_payment_methods": CARDS_ONLY,
        "expand": ["latest_charge"],
        **more,
    }
    return client.v1.payment_intents.create(params)


def debit(client: stripe.StripeClient, iban: str, amount: int = 5_000, **more: Any) -> stripe.PaymentIntent:
    """Create and confirm a SEPA debit."""
    account = client.v1.payment_methods.create(
        {
            "type": "sepa_debit",
            "sepa_debit": {"iban": iban},
            "billing_details": {"name": "Jenny Rosen", "email": "jenny@example.com"},
        }
    )
    params: Any = {
        "amount": amount,
        "currency": "eur",
        "payment_method": account.id,
        "confirm": True,
        "allowed_payment_method_types": ["sepa_debit"],
        "return_url": RETURN_URL,
        "mandate_data": MANDATE,
        **more,
    }
    return client.v1.payment_intents.create(params)


def charge_of(intent: stripe.PaymentIntent) -> stripe.Charge:
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def events(sandbox: Sandbox, *, after: int = 0) -> list[str]:
    """Types of all events in the order they were written, without the first `after`."""
    return [event["type"] for event in all_events(sandbox)][after:]


def all_events(sandbox: Sandbox) -> list[dict[str, Any]]:
    page = sandbox.get("/v1/events", params={"limit": 100})
    assert not page["has_more"]
    return list(reversed(page["data"]))


def refused(call: Any, *args: Any, **options: Any) -> Any:
    """The SDK's error a call is answered with."""
    with pytest.raises(stripe.StripeError) as caught:
        call(*args, **options)
    return caught.value


def books(sandbox: Sandbox) -> dict[str, tuple[int, int]]:
    """(available, pending) by currency, added up from every balance transaction; empty currencies left out."""
    sums: dict[str, tuple[int, int]] = {}
    for movement in sandbox.objects("balance_transaction"):
        available, pending = sums.get(movement["currency"], (0, 0))
        if movement["status"] == "available":
            available += movement["net"]
        else:
            pending += movement["net"]
        sums[movement["currency"]] = (available, pending)
    return {currency: sums[currency] for currency in sums if any(sums[currency])}


def balance(client: stripe.StripeClient) -> dict[str, tuple[int, int]]:
    """(available, pending) by currency, as the API says; a currency without money is left out."""
    found = client.v1.balance.retrieve()
    pending = {line.currency: line.amount for line in found.pending}
    return {
        line.currency: (line.amount, pending[line.currency])
        for line in found.available
        if line.amount or pending[line.currency]
    }
