"""SetupIntents: a card is made ready for later without taking money."""

from typing import Any

import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import CARDS_ONLY, RETURN_URL, events, pay, refused


def _prepare(client: stripe.StripeClient, method: str, customer: str | None = None) -> stripe.SetupIntent:
    params: Any = {"confirm": True, "payment_method": method, "automatic_payment_methods": CARDS_ONLY}
    if customer:
        params["customer"] = customer
    return client.v1.setup_intents.create(params)


def test_a_card_is_saved_for_its_customer(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({})

    intent = _prepare(client, "pm_card_visa", customer.id)

    assert (intent.status, intent.usage, intent.mandate) == ("succeeded", "off_session", None)
    assert client.v1.payment_methods.retrieve(str(intent.payment_method)).customer == customer.id
    attempts = client.v1.setup_attempts.list({"setup_intent": intent.id}).data
    assert [(attempt.id, attempt.status) for attempt in attempts] == [(intent.latest_attempt, "succeeded")]
    assert events(sandbox, after=1) == ["setup_intent.created", "setup_intent.succeeded", "payment_method.attached"]


def test_a_refused_card_says_why(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    error = refused(_prepare, client, "pm_card_visa_chargeDeclinedInsufficientFunds")

    assert isinstance(error, stripe.CardError)
    assert error.error is not None
    assert error.error.setup_intent is not None
    intent = client.v1.setup_intents.retrieve(error.error.setup_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_setup_error is not None
    assert intent.last_setup_error.decline_code == "insufficient_funds"
    assert events(sandbox) == ["setup_intent.created", "setup_intent.setup_failed"]


def test_the_customer_authenticates_and_later_payments_pass(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({})
    intent = _prepare(client, "pm_card_authenticationRequiredOnSetup", customer.id)
    assert intent.status == "requires_action"

    sandbox.control("POST", "money/authenticate", {"id": intent.id})

    ready = client.v1.setup_intents.retrieve(intent.id)
    assert (ready.status, ready.next_action) == ("succeeded", None)
    assert len(sandbox.objects("setup_attempt")) == 1
    assert pay(client, str(ready.payment_method), customer=customer.id, off_session=True).status == "succeeded"


def test_a_customer_who_fails_authentication_saves_nothing(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = _prepare(client, "pm_card_authenticationRequired")

    sandbox.control("POST", "money/authenticate", {"id": intent.id, "outcome": "fail"})

    failed = client.v1.setup_intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_setup_error is not None
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"
    assert events(sandbox, after=2) == ["setup_intent.setup_failed"]


def test_a_canceled_one_stays_canceled(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = client.v1.setup_intents.create({})

    client.v1.setup_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    error = refused(client.v1.setup_intents.confirm, intent.id, {"payment_method": "pm_card_visa"})

    assert error.code == "setup_intent_unexpected_state"
    assert client.v1.setup_intents.retrieve(intent.id).cancellation_reason == "abandoned"
    assert events(sandbox) == ["setup_intent.created", "setup_intent.canceled"]


def test_the_newest_version_wants_a_place_to_return_to(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    error = refused(client.v1.setup_intents.create, {"confirm": True, "payment_method": "pm_card_visa"})
    types = refused(client.v1.setup_intents.create, {"payment_method_types": ["card"]})

    assert error.param == "return_url"
    assert types.code == "payment_method_types_no_longer_supported"
    assert sandbox.objects("setup_intent") == []
    with_url: Any = {"confirm": True, "payment_method": "pm_card_visa", "return_url": RETURN_URL}
    assert client.v1.setup_intents.create(with_url).status == "succeeded"
