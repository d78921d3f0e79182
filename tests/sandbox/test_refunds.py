"""Refunds: never more than was taken, whatever the bank, the clock or other callers do."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import all_events, balance, books, charge_of, debit, events, pay, refused


def test_a_refund_gives_everything_back_but_the_fee(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, description="Tea")

    refund = client.v1.refunds.create(
        {"payment_intent": intent.id, "reason": "requested_by_customer", "metadata": {"by": "ana"}}
    )

    assert refund.id.startswith("re_")
    assert (refund.amount, refund.currency, refund.status, refund.reason) == (
        2_000, "usd", "succeeded", "requested_by_customer",
    )  # fmt: skip
    assert (refund.charge, refund.payment_intent) == (charge_of(intent).id, intent.id)
    assert refund.payment_method == charge_of(intent).payment_method
    charge = client.v1.charges.retrieve(charge_of(intent).id)
    assert (charge.refunded, charge.amount_refunded, charge.status) == (True, 2_000, "succeeded")
    movement = client.v1.balance_transactions.retrieve(str(refund.balance_transaction))
    assert (movement.amount, movement.fee, movement.net) == (-2_000, 0, -2_000)
    assert (movement.type, movement.description) == ("refund", "REFUND FOR CHARGE (Tea)")
    assert balance(client) == books(sandbox) == {"usd": (0, -88)}
    news = all_events(sandbox)[3:]
    assert [event["type"] for event in news] == ["refund.created", "charge.refunded"]
    assert news[1]["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}


def test_parts_add_up_and_no_more(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client)).id
    client.v1.refunds.create({"charge": charge, "amount": 500})
    client.v1.refunds.create({"charge": charge, "amount": 700})

    too_much = refused(client.v1.refunds.create, {"charge": charge, "amount": 801})
    rest = client.v1.refunds.create({"charge": charge})
    nothing_left = refused(client.v1.refunds.create, {"charge": charge, "amount": 1})

    assert too_much.user_message == ("Refund amount ($8.01) is greater than unrefunded amount on charge ($8.00)")
    assert (too_much.http_status, too_much.param) == (400, "amount")
    assert rest.amount == 800
    assert (nothing_left.code, nothing_left.user_message) == (
        "charge_already_refunded",
        f"Charge {charge} has already been refunded.",
    )
    refunds = client.v1.charges.retrieve(charge, {"expand": ["refunds"]}).refunds
    assert refunds is not None
    assert [refund.amount for refund in refunds.data] == [800, 700, 500]
    assert events(sandbox, after=3) == ["refund.created", "charge.refunded"] * 3


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "One of the following params should be provided for this request: payment_intent or charge."),
        ({"charge": "ch_none"}, "No such charge: 'ch_none'"),
        ({"payment_intent": "pi_none"}, "No such payment_intent: 'pi_none'"),
        ({"charge": "THIS", "amount": 0}, "This value must be greater than or equal to 1."),
        ({"charge": "THIS", "amount": -1}, "This value must be greater than or equal to 1."),
        (
            {"charge": "THIS", "reason": "mood"},
            "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer",
        ),
        ({"charge": "THIS", "colour": "red"}, "Received unknown parameter: colour"),
    ],
)
def test_nonsense_refunds_nothing(sandbox: Sandbox, params: dict[str, Any], words: str) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client)).id

    error = refused(client.v1.refunds.create, {k: charge if v == "THIS" else v for k, v in params.items()})

    assert isinstance(error, stripe.InvalidRequestError)
    assert error.user_message == words
    assert sandbox.objects("refund") == []
    assert client.v1.charges.retrieve(charge).amount_refunded == 0
    assert len(events(sandbox)) == 3


def test_a_failed_payment_has_nothing_to_refund(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    declined = refused(pay, client, "pm_card_chargeDeclined")
    assert declined.error is not None
    assert declined.error.payment_intent is not None

    by_intent = refused(client.v1.refunds.create, {"payment_intent": declined.error.payment_intent.id})
    by_charge = refused(client.v1.refunds.create, {"charge": declined.error.charge})

    assert "does not have a successful charge to refund" in str(by_intent.user_message)
    assert by_charge.code == "charge_not_refundable"
    assert sandbox.objects("refund") == []


def test_many_refunds_at_once_make_one(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client)).id

    def ask(number: int) -> int:
        return sandbox.stripe().v1.refunds.create({"charge": charge}).amount if number else 0

    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda _: _try(ask), range(32)))

    assert sorted(answers) == ["2000"] + ["charge_already_refunded"] * 31
    assert len(sandbox.objects("refund")) == 1
    assert client.v1.charges.retrieve(charge).amount_refunded == 2_000
    assert balance(client) == books(sandbox) == {"usd": (0, -88)}


def test_many_parts_at_once_never_pass_the_whole(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, amount=1_000)

    def ask(number: int) -> int:
        target = {"charge": charge_of(intent).id} if number % 2 else {"payment_intent": intent.id}
        params: Any = {**target, "amount": 300}
        return sandbox.stripe().v1.refunds.create(params).amount

    with ThreadPoolExecutor(12) as crowd:
        answers = list(crowd.map(lambda number: _try(ask, number), range(24)))

    assert answers.count("300") == 3
    assert client.v1.charges.retrieve(charge_of(intent).id).amount_refunded == 900
    assert balance(client) == books(sandbox)


def test_a_pending_refund_arrives_later(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    refund = client.v1.refunds.create({"payment_intent": pay(client, "pm_card_pendingRefund").id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")

    sandbox.advance(60)

    later = client.v1.refunds.retrieve(refund.id)
    assert later.status == "succeeded"
    assert "pending_reason" not in later
    assert events(sandbox, after=5) == ["refund.updated", "charge.refund.updated"]
    assert balance(client) == books(sandbox) == {"usd": (0, -88)}


def test_a_refund_fails_long_after_it_succeeded(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_refundFail")
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 1_500})
    assert refund.status == "succeeded"

    sandbox.advance(60)

    failed = client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    back = client.v1.balance_transactions.retrieve(str(failed.failure_balance_transaction))
    assert (back.amount, back.type) == (1_500, "refund_failure")
    charge = client.v1.charges.retrieve(charge_of(intent).id)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert events(sandbox, after=5) == ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert balance(client) == books(sandbox) == {"usd": (0, 1_912)}
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 2_000


def test_a_refund_waits_until_there_is_money(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_bypassPending")
    client.v1.payouts.create({"amount": 1_912, "currency": "usd"})

    refund = client.v1.refunds.create({"payment_intent": intent.id})

    assert (refund.status, refund.pending_reason, refund.balance_transaction) == ("pending", "insufficient_funds", None)
    assert client.v1.charges.retrieve(charge_of(intent).id).refunded is True
    pay(client, amount=5_000)
    sandbox.advance(86_400)
    paid = client.v1.refunds.retrieve(refund.id)
    assert paid.status == "succeeded"
    assert client.v1.balance_transactions.retrieve(str(paid.balance_transaction)).amount == -2_000
    assert balance(client) == books(sandbox)


def test_a_refund_that_never_finds_money_fails(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_bypassPending")
    client.v1.payouts.create({"amount": 1_912, "currency": "usd"})
    refund = client.v1.refunds.create({"payment_intent": intent.id})

    sandbox.advance(31 * 86_400)

    failed = client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "insufficient_funds")
    assert client.v1.charges.retrieve(charge_of(intent).id).amount_refunded == 0


def test_held_money_is_released_only_whole(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    held = pay(client, capture_method="manual")

    part = refused(client.v1.refunds.create, {"payment_intent": held.id, "amount": 500})
    whole = client.v1.refunds.create({"payment_intent": held.id})

    assert "You cannot partially refund an uncaptured charge" in str(part.user_message)
    assert (whole.amount, whole.balance_transaction) == (2_000, None)
    assert client.v1.payment_intents.retrieve(held.id).status == "canceled"
    assert books(sandbox) == {}


def test_converted_parts_make_up_the_whole(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client, amount=1_001, currency="jpy")).id

    parts = [client.v1.refunds.create({"charge": charge, "amount": 77}) for _ in range(13)]

    assert sum(refund.amount for refund in parts) == 1_001
    moves = [client.v1.balance_transactions.retrieve(str(refund.balance_transaction)) for refund in parts]
    assert sum(move.amount for move in moves) == -667
    assert {(move.currency, move.exchange_rate) for move in moves} == {("usd", 0.666667)}
    assert balance(client) == books(sandbox)


def test_a_refund_can_be_annotated_only(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    refund = client.v1.refunds.create({"payment_intent": pay(client).id})

    noted = client.v1.refunds.update(refund.id, {"metadata": {"ticket": "9"}})
    error = refused(client.v1.refunds.cancel, refund.id)

    assert noted.metadata is not None
    assert noted.metadata["ticket"] == "9"
    assert error.http_status == 400
    assert "requires_action" in str(error.user_message)
    last = all_events(sandbox)[-2:]
    assert [event["type"] for event in last] == ["refund.updated", "charge.refund.updated"]
    assert last[0]["data"]["previous_attributes"] == {"metadata": {}}


def test_a_transfer_is_refunded_once_the_customer_names_a_bank(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = _paid_by_transfer(sandbox)

    refund = client.v1.refunds.create({"payment_intent": intent, "instructions_email": "ana@example.com"})
    assert (refund.status, refund.id[:4]) == ("requires_action", "pyr_")
    assert client.v1.charges.retrieve(str(refund.charge)).refunded is True
    canceled = client.v1.refunds.cancel(refund.id)

    assert canceled.status == "canceled"
    assert client.v1.charges.retrieve(str(refund.charge)).amount_refunded == 0
    assert balance(client) == books(sandbox)


def test_a_debit_on_its_way_can_be_refunded_already(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = debit(client, "AT611904300234573201")

    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.pending_reason, refund.id[:4]) == ("pending", "charge_pending", "pyr_")
    sandbox.advance(30)
    assert client.v1.refunds.retrieve(refund.id).pending_reason == "processing"
    sandbox.advance(60)

    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert balance(client) == books(sandbox) == {"eur": (0, -35)}


def test_a_debit_disputed_at_once_takes_its_waiting_refund_down(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = debit(client, "AT591904300235473203")
    refund = client.v1.refunds.create({"payment_intent": intent.id})

    sandbox.advance(30)

    failed = client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
    assert client.v1.disputes.list({"payment_intent": intent.id}).data[0].amount == 5_000
    assert client.v1.charges.retrieve(str(refund.charge)).amount_refunded == 0
    assert balance(client) == books(sandbox)


def test_a_reference_comes_a_day_after_a_real_refund(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client)
    sandbox.advance(3 * 86_400)
    refund = client.v1.refunds.create({"payment_intent": intent.id})

    sandbox.advance(86_400)

    details = client.v1.refunds.retrieve(refund.id).destination_details
    assert details is not None
    assert details.card is not None
    assert details.card.reference_status == "available"
    assert len(str(details.card.reference)) == 23
    assert events(sandbox, after=6) == ["refund.updated", "charge.refund.updated"]


def _paid_by_transfer(sandbox: Sandbox) -> str:
    customer = sandbox.post("/v1/customers")["id"]
    form = {
        "amount": "3000",
        "currency": "eur",
        "customer": customer,
        "confirm": "true",
        "payment_method_types[]": "customer_balance",
        "payment_method_data[type]": "customer_balance",
    }
    intent: str = sandbox.post("/v1/payment_intents", form)["id"]
    path = f"/v1/test_helpers/customers/{customer}/fund_cash_balance"
    sandbox.post(path, {"amount": "3000", "currency": "eur"})
    return intent


def _try(ask: Any, number: int = 1) -> str:
    try:
        return str(ask(number))
    except stripe.InvalidRequestError as error:
        return str(error.code)
