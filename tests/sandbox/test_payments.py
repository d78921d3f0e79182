"""PaymentIntents from the first request to captured money, and every way a bank can say no."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from app.sandbox.resources.currencies import RATES, minimum
from tests.sandbox.client import Sandbox
from tests.sandbox.money import (
    CARDS_ONLY,
    RETURN_URL,
    all_events,
    balance,
    books,
    charge_of,
    events,
    pay,
    refused,
)


def test_a_card_pays_and_the_books_show_it(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    intent = pay(client, amount=2_000, description="Tea", metadata={"order": "7"}, receipt_email="ana@example.com")

    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 2_000, 0)
    assert intent.client_secret is not None
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    charge = charge_of(intent)
    assert (charge.status, charge.paid, charge.captured, charge.refunded) == ("succeeded", True, True, False)
    assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (2_000, 2_000, 0)
    assert (charge.description, charge.metadata["order"], charge.receipt_email) == ("Tea", "7", "ana@example.com")
    assert charge.outcome is not None
    assert (charge.outcome.type, charge.outcome.network_status) == ("authorized", "approved_by_network")
    movement = client.v1.balance_transactions.retrieve(str(charge.balance_transaction))
    assert (movement.amount, movement.fee, movement.net) == (2_000, 88, 1_912)
    assert (movement.type, movement.reporting_category, movement.source) == ("charge", "charge", charge.id)
    assert (movement.status, movement.available_on % 86_400) == ("pending", 0)
    assert balance(client) == books(sandbox) == {"usd": (0, 1_912)}
    assert events(sandbox) == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_pending_money_is_available_two_days_later(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    pay(client)
    pay(client, currency="eur", method="pm_card_de")

    sandbox.advance(2 * 86_400)

    assert balance(client) == books(sandbox) == {"usd": (1_912, 0), "eur": (1_945, 0)}
    assert events(sandbox, after=6) == ["balance.available", "balance.available"]


def test_bypass_pending_money_is_available_at_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    pay(client, "pm_card_bypassPending")

    assert balance(client) == {"usd": (1_912, 0)}
    assert events(sandbox) == [
        "payment_intent.created", "charge.succeeded", "balance.available", "payment_intent.succeeded",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "method", "amount", "booked", "fee", "book"),
    [
        ("eur", "pm_card_de", 10_000, 10_000, 175, "eur"),
        ("eur", "pm_card_gb", 10_000, 10_000, 275, "eur"),
        ("eur", "pm_card_us", 10_000, 10_000, 350, "eur"),
        ("gbp", "pm_card_gb", 10_000, 10_000, 170, "gbp"),
        ("usd", "pm_card_de", 10_000, 10_000, 470, "usd"),
        ("jpy", "pm_card_jp", 15_000, 10_000, 670, "usd"),
        ("kwd", "pm_card_visa", 30_700, 10_000, 520, "usd"),
    ],
)
def test_the_fee_follows_the_cards_country_and_other_currencies_are_converted(  # noqa: PLR0917
    sandbox: Sandbox, currency: str, method: str, amount: int, booked: int, fee: int, book: str
) -> None:
    client = sandbox.stripe()

    charge = charge_of(pay(client, method, amount, currency))

    movement = client.v1.balance_transactions.retrieve(str(charge.balance_transaction))
    assert (movement.amount, movement.fee, movement.currency) == (booked, fee, book)
    assert sum(detail.amount for detail in movement.fee_details) == fee
    assert (movement.exchange_rate is None) == (book == currency)
    assert balance(client) == {book: (0, booked - fee)}


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (0, "usd", "parameter_invalid_integer"),
        (-5, "usd", "parameter_invalid_integer"),
        (100_000_000, "usd", "amount_too_large"),
        (5_124, "kwd", None),
        (705_050, "isk", None),
        (2_000, "zzz", None),
    ],
)
def test_an_amount_that_cannot_be_charged_is_refused(
    sandbox: Sandbox, amount: int, currency: str, code: str | None
) -> None:
    error = refused(pay, sandbox.stripe(), amount=amount, currency=currency)

    assert isinstance(error, stripe.InvalidRequestError)
    assert (error.http_status, error.code, error.param) == (400, code, "currency" if currency == "zzz" else "amount")
    assert sandbox.objects("payment_intent") == sandbox.objects("event") == []


def test_the_message_for_a_small_amount_is_stripes(sandbox: Sandbox) -> None:
    assert refused(pay, sandbox.stripe(), amount=10).user_message == "Amount must be at least $0.50 usd"
    assert refused(pay, sandbox.stripe(), amount=10, currency="eur").user_message == "Amount must be at least €0.50 eur"


def test_every_currency_has_a_sensible_minimum() -> None:
    assert {currency: minimum(currency) for currency in RATES if minimum(currency) < 1} == {}
    assert minimum("kwd") % 10 == 0


DECLINES = [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline", "Your card was declined."),
    (
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "Your card was declined."),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "Your card was declined."),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "Your card has expired."),
    (
        "pm_card_chargeDeclinedIncorrectCvc",
        "incorrect_cvc",
        "incorrect_cvc",
        "Your card's security code is incorrect.",
    ),
    (
        "pm_card_chargeDeclinedProcessingError",
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline", "Your card was declined."),
    ("pm_card_radarBlock", "card_declined", "fraudulent", "Your card was declined."),
]


@pytest.mark.parametrize(("method", "code", "decline_code", "message"), DECLINES)
def test_a_decline_leaves_its_traces(sandbox: Sandbox, method: str, code: str, decline_code: str, message: str) -> None:
    client = sandbox.stripe()

    error = refused(pay, client, method)

    assert isinstance(error, stripe.CardError)
    assert (error.http_status, error.code, error.user_message) == (402, code, message)
    assert error.error is not None
    assert error.error.payment_intent is not None
    assert error.error.decline_code == decline_code
    assert error.error.payment_method is not None
    intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id, {"expand": ["latest_charge"]})
    assert (intent.status, intent.payment_method, intent.amount_received) == ("requires_payment_method", None, 0)
    assert intent.last_payment_error is not None
    assert (intent.last_payment_error.code, intent.last_payment_error.decline_code) == (code, decline_code)
    assert intent.last_payment_error.charge == error.error.charge == charge_of(intent).id
    charge = charge_of(intent)
    assert (charge.status, charge.paid, charge.captured) == ("failed", False, False)
    assert (charge.failure_code, charge.failure_message, charge.balance_transaction) == (code, message, None)
    assert charge.outcome is not None
    assert charge.outcome.type == ("blocked" if "radar" in method else "issuer_declined")
    assert books(sandbox) == {}
    assert events(sandbox) == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


def test_after_a_decline_another_card_pays(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    declined = refused(pay, client, "pm_card_chargeDeclined")
    assert declined.error is not None
    assert declined.error.payment_intent is not None

    intent = client.v1.payment_intents.confirm(
        declined.error.payment_intent.id, {"payment_method": "pm_card_mastercard"}
    )

    assert (intent.status, intent.last_payment_error) == ("succeeded", None)
    charges = client.v1.charges.list({"payment_intent": intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]
    assert intent.latest_charge == charges[0].id


@pytest.mark.parametrize("method", [row[0] for row in DECLINES if row[0] != "pm_card_chargeCustomerFail"])
def test_a_card_that_declines_cannot_be_saved(sandbox: Sandbox, method: str) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({})

    error = refused(client.v1.payment_methods.attach, method, {"customer": customer.id})

    assert isinstance(error, stripe.CardError)
    assert client.v1.customers.payment_methods.list(customer.id).data == []
    assert events(sandbox) == ["customer.created"]


def test_one_card_is_saved_and_fails_later(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"payment_method": "pm_card_chargeCustomerFail"})
    method = client.v1.customers.payment_methods.list(customer.id).data[0].id

    error = refused(pay, client, method, customer=customer.id, off_session=True)

    assert isinstance(error, stripe.CardError)
    assert client.v1.payment_methods.retrieve(method).customer == customer.id


def test_held_money_is_captured_in_full(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    held = pay(client, capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 2_000, 0)
    assert (charge_of(held).captured, charge_of(held).balance_transaction) == (False, None)
    assert books(sandbox) == {}

    taken = client.v1.payment_intents.capture(held.id, {"expand": ["latest_charge"]})

    assert (taken.status, taken.amount_capturable, taken.amount_received) == ("succeeded", 0, 2_000)
    assert (charge_of(taken).captured, charge_of(taken).amount_captured) == (True, 2_000)
    assert books(sandbox) == {"usd": (0, 1_912)}
    assert events(sandbox) == [
        "payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated",
        "charge.captured", "payment_intent.succeeded",
    ]  # fmt: skip


def test_what_is_not_captured_is_released(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    held = pay(client, capture_method="manual")

    taken = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 1_500, "expand": ["latest_charge"]})

    charge = charge_of(taken)
    assert (taken.amount_received, charge.amount_captured, charge.amount_refunded) == (1_500, 1_500, 500)
    assert charge.refunded is False
    released = client.v1.refunds.list({"charge": charge.id}).data
    assert [(refund.amount, refund.balance_transaction, refund.status) for refund in released] == [
        (500, None, "succeeded")
    ]
    assert books(sandbox) == {"usd": (0, 1_500 - 74)}
    again = refused(client.v1.payment_intents.capture, held.id)
    assert again.user_message == "This PaymentIntent could not be captured because it has already been captured."


def test_no_more_is_captured_than_was_held(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    held = pay(client, capture_method="manual")

    error = refused(client.v1.payment_intents.capture, held.id, {"amount_to_capture": 2_001})

    assert (error.code, error.param) == ("amount_too_large", "amount_to_capture")
    assert client.v1.payment_intents.retrieve(held.id).status == "requires_capture"


def test_canceling_held_money_gives_it_back(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    held = pay(client, capture_method="manual")

    ended = client.v1.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned", "expand": ["latest_charge"]})

    assert (ended.status, ended.cancellation_reason, ended.amount_capturable) == ("canceled", "abandoned", 0)
    assert (charge_of(ended).refunded, charge_of(ended).captured) == (True, False)
    assert books(sandbox) == {}
    assert events(sandbox, after=3) == ["refund.created", "charge.refunded", "payment_intent.canceled"]


def test_a_hold_ends_by_itself_after_a_week(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    held = pay(client, capture_method="manual")

    sandbox.advance(7 * 86_400)

    ended = client.v1.payment_intents.retrieve(held.id)
    assert (ended.status, ended.cancellation_reason) == ("canceled", "automatic")
    assert events(sandbox, after=3) == ["charge.expired", "refund.created", "payment_intent.canceled"]
    late = refused(client.v1.charges.capture, charge_of(held).id)
    assert late.code == "charge_expired_for_capture"


def test_the_steps_can_be_taken_one_by_one(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = client.v1.payment_intents.create(
        {"amount": 700, "currency": "usd", "automatic_payment_methods": CARDS_ONLY}
    )
    assert intent.status == "requires_payment_method"
    early = refused(client.v1.payment_intents.confirm, intent.id)
    assert "missing a payment method" in str(early.user_message)

    named = client.v1.payment_intents.update(intent.id, {"payment_method": "pm_card_visa", "amount": 800})
    assert (named.status, named.amount) == ("requires_confirmation", 800)
    paid = client.v1.payment_intents.confirm(intent.id)

    assert (paid.status, paid.amount_received) == ("succeeded", 800)
    late = refused(client.v1.payment_intents.update, intent.id, {"amount": 900})
    assert late.code == "payment_intent_unexpected_state"
    twice = refused(client.v1.payment_intents.confirm, intent.id)
    assert "has already succeeded" in str(twice.user_message)
    dead = refused(client.v1.payment_intents.cancel, intent.id)
    assert "has a status of succeeded" in str(dead.user_message)
    assert client.v1.payment_intents.retrieve(intent.id).amount == 800


def test_the_customer_proves_who_they_are(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    waiting = pay(
        client,
        "pm_card_authenticationRequired",
        automatic_payment_methods={"enabled": True},
        return_url=RETURN_URL,
    )
    assert (waiting.status, waiting.latest_charge) == ("requires_action", None)
    assert waiting.next_action is not None
    assert waiting.next_action.redirect_to_url is not None
    assert waiting.next_action.redirect_to_url.return_url == RETURN_URL

    sandbox.control("POST", "money/authenticate", {"id": waiting.id, "outcome": "pass"})

    paid = client.v1.payment_intents.retrieve(waiting.id, {"expand": ["latest_charge"]})
    assert (paid.status, paid.next_action) == ("succeeded", None)
    details = charge_of(paid).payment_method_details
    assert details is not None
    assert details.card is not None
    assert details.card.three_d_secure is not None
    assert details.card.three_d_secure.result == "authenticated"
    assert events(sandbox) == [
        "payment_intent.created", "payment_intent.requires_action", "charge.succeeded", "payment_intent.succeeded",
    ]  # fmt: skip


def test_a_customer_who_does_not_pass_pays_nothing(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    waiting = pay(client, "pm_card_authenticationRequired")
    assert waiting.next_action is not None
    assert waiting.next_action.type == "use_stripe_sdk"

    sandbox.control("POST", "money/authenticate", {"id": waiting.id, "outcome": "fail"})

    failed = client.v1.payment_intents.retrieve(waiting.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error is not None
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert client.v1.charges.list().data == []
    assert events(sandbox, after=2) == ["payment_intent.payment_failed"]


def test_manual_confirmation_comes_back_to_the_server(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    waiting = pay(client, "pm_card_authenticationRequired", confirmation_method="manual")
    sandbox.control("POST", "money/authenticate", {"id": waiting.id})
    assert client.v1.payment_intents.retrieve(waiting.id).status == "requires_confirmation"

    assert client.v1.payment_intents.confirm(waiting.id).status == "succeeded"


@pytest.mark.parametrize(
    ("more", "decline_code", "kinds"),
    [
        ({"off_session": True}, "authentication_required", ["charge.failed", "payment_intent.payment_failed"]),
        ({"error_on_requires_action": True}, "authentication_not_handled", ["payment_intent.payment_failed"]),
    ],
)
def test_without_the_customer_authentication_is_a_decline(
    sandbox: Sandbox, more: dict[str, Any], decline_code: str, kinds: list[str]
) -> None:
    error = refused(pay, sandbox.stripe(), "pm_card_authenticationRequired", **more)

    assert isinstance(error, stripe.CardError)
    assert error.error is not None
    assert (error.code, error.error.decline_code) == ("authentication_required", decline_code)
    assert events(sandbox, after=1) == kinds


def test_a_card_set_up_once_pays_without_the_customer(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({})
    first = pay(client, "pm_card_authenticationRequiredOnSetup", customer=customer.id, setup_future_usage="off_session")
    assert first.status == "requires_action"
    sandbox.control("POST", "money/authenticate", {"id": first.id})
    method = client.v1.customers.payment_methods.list(customer.id).data[0].id

    later = pay(client, method, customer=customer.id, off_session=True)

    assert later.status == "succeeded"
    assert events(sandbox, after=3)[:3] == ["charge.succeeded", "payment_method.attached", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported"),
        ({"allowed_payment_method_types": ["card"]}, "payment_intent_invalid_parameter"),
        ({}, "payment_intent_invalid_parameter"),
    ],
)
def test_the_newest_version_wants_no_types_and_a_place_to_return_to(
    sandbox: Sandbox, params: dict[str, Any], code: str
) -> None:
    client = sandbox.stripe()
    base: Any = {"amount": 500, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}

    error = refused(client.v1.payment_intents.create, base | params)

    assert (error.http_status, error.code) == (400, code)
    assert sandbox.objects("payment_intent") == sandbox.objects("charge") == []
    if "payment_method_types" not in params:
        assert client.v1.payment_intents.create(base | params | {"return_url": RETURN_URL}).status == "succeeded"


def test_an_older_version_still_says_payment_method_types(sandbox: Sandbox) -> None:
    form = {"amount": "500", "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa"}

    old = sandbox.post("/v1/payment_intents", form | {"payment_method_types[]": "card"})
    both = sandbox.call(
        "POST",
        "/v1/payment_intents",
        form | {"payment_method_types[]": "card", "automatic_payment_methods[enabled]": "true"},
    )

    assert (old["status"], old["payment_method_types"], old["automatic_payment_methods"]) == (
        "succeeded",
        ["card"],
        None,
    )
    assert both.status_code == 400
    assert "You may only specify one of these parameters" in both.json()["error"]["message"]


def test_many_confirmations_at_once_take_the_money_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = client.v1.payment_intents.create(
        {"amount": 700, "currency": "usd", "automatic_payment_methods": CARDS_ONLY, "payment_method": "pm_card_visa"}
    )

    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: _status(sandbox.stripe().v1.payment_intents.confirm, intent.id), range(16)))

    assert sorted(answers) == ["payment_intent_unexpected_state"] * 15 + ["succeeded"]
    assert len(sandbox.objects("charge")) == len(sandbox.objects("balance_transaction")) == 1


def test_held_money_is_either_captured_or_released(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    held = pay(client, capture_method="manual")
    service = client.v1.payment_intents
    refund = client.v1.refunds.create
    acts: list[Any] = [
        lambda: _status(service.capture, held.id),
        lambda: _status(service.cancel, held.id),
        lambda: _status(refund, {"payment_intent": held.id}),
        lambda: _status(client.v1.charges.capture, charge_of(held).id),
    ] * 3

    with ThreadPoolExecutor(12) as crowd:
        list(crowd.map(lambda act: act(), acts))

    intent = service.retrieve(held.id, {"expand": ["latest_charge"]})
    charge = charge_of(intent)
    assert (intent.status, charge.captured) in {("succeeded", True), ("canceled", False)}
    assert intent.amount_received == charge.amount_captured
    assert balance(client) == books(sandbox)


def test_a_declined_payment_is_the_same_decline_when_asked_again(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    options: Any = {"idempotency_key": "order-7"}
    params: Any = {
        "amount": 500,
        "currency": "usd",
        "payment_method": "pm_card_chargeDeclined",
        "confirm": True,
        "automatic_payment_methods": CARDS_ONLY,
    }

    first = refused(client.v1.payment_intents.create, params, options)
    second = refused(client.v1.payment_intents.create, params, options)

    assert first.json_body == second.json_body
    assert len(sandbox.objects("charge")) == len(sandbox.objects("payment_intent")) == 1


def test_an_early_fraud_warning_stands_beside_the_charge(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_createIssuerFraudRecord")

    warnings = client.v1.radar.early_fraud_warnings.list({"charge": charge_of(intent).id}).data

    assert [(found.actionable, found.payment_intent) for found in warnings] == [(True, intent.id)]
    assert events(sandbox) == [
        "payment_intent.created", "charge.succeeded", "radar.early_fraud_warning.created", "payment_intent.succeeded",
    ]  # fmt: skip
    client.v1.refunds.create({"payment_intent": intent.id})
    assert client.v1.radar.early_fraud_warnings.retrieve(warnings[0].id).actionable is False


def test_a_charge_is_annotated_and_says_what_changed(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client))

    client.v1.charges.update(charge.id, {"description": "Tea", "fraud_details": {"user_report": "safe"}})

    last = all_events(sandbox)[-1]
    assert last["type"] == "charge.updated"
    assert last["data"]["previous_attributes"] == {"description": None, "fraud_details": {}}
    assert last["data"]["object"]["fraud_details"] == {"user_report": "safe"}


def test_a_bank_transfer_arrives_in_two_parts(sandbox: Sandbox) -> None:
    customer = sandbox.post("/v1/customers")["id"]
    intent = sandbox.post(
        "/v1/payment_intents",
        {
            "amount": "20000",
            "currency": "jpy",
            "customer": customer,
            "confirm": "true",
            "payment_method_types[]": "customer_balance",
            "payment_method_data[type]": "customer_balance",
        },
    )
    assert intent["next_action"]["display_bank_transfer_instructions"]["amount_remaining"] == 20_000
    fund = f"/v1/test_helpers/customers/{customer}/fund_cash_balance"

    sandbox.post(fund, {"amount": "12000", "currency": "jpy"})
    half = sandbox.get(f"/v1/payment_intents/{intent['id']}")
    sandbox.post(fund, {"amount": "9000", "currency": "jpy"})

    assert half["next_action"]["display_bank_transfer_instructions"]["amount_remaining"] == 8_000
    paid = sandbox.get(f"/v1/payment_intents/{intent['id']}")
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 20_000)
    assert sandbox.get(f"/v1/customers/{customer}/cash_balance")["available"] == {"jpy": 1_000}
    assert balance(sandbox.stripe()) == books(sandbox)


def _status(call: Any, *args: Any) -> str:
    """The status of what came back, or the code of the refusal."""
    try:
        return str(call(*args).status)
    except stripe.InvalidRequestError as error:
        return str(error.code)
