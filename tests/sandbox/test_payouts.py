"""Payouts: from the balance to the bank, and sometimes back."""

from tests.sandbox.client import Sandbox
from tests.sandbox.money import balance, books, charge_of, events, pay, refused

DAY = 86_400


def test_a_payout_takes_what_is_available_and_arrives_two_days_later(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    pay(client, "pm_card_bypassPending")

    payout = client.v1.payouts.create({"amount": 1_100, "currency": "usd", "metadata": {"week": "7"}})

    assert (payout.status, payout.automatic, payout.reconciliation_status) == ("pending", False, "not_applicable")
    assert balance(client) == books(sandbox) == {"usd": (812, 0)}
    sandbox.advance(3 * DAY)
    assert client.v1.payouts.retrieve(payout.id).status == "paid"
    assert events(sandbox, after=4) == ["payout.created", "payout.updated", "payout.paid"]
    assert balance(client) == books(sandbox) == {"usd": (812, 0)}


def test_no_payout_of_money_that_is_not_there(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    pay(client)

    error = refused(client.v1.payouts.create, {"amount": 1, "currency": "usd"})

    assert (error.http_status, error.code) == (400, "balance_insufficient")
    assert sandbox.objects("payout") == []


def test_a_canceled_payout_comes_back(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    pay(client, "pm_card_bypassPending")
    payout = client.v1.payouts.create({"amount": 1_912, "currency": "usd"})

    canceled = client.v1.payouts.cancel(payout.id)
    again = refused(client.v1.payouts.cancel, payout.id)

    assert canceled.status == "canceled"
    assert "this one is canceled" in str(again.user_message)
    sandbox.advance(3 * DAY)
    assert client.v1.payouts.retrieve(payout.id).status == "canceled"
    assert balance(client) == books(sandbox) == {"usd": (1_912, 0)}


def test_a_payout_fails_where_the_account_is_closed(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    pay(client, "pm_card_bypassPending")
    payout = client.v1.payouts.create({"amount": 1_000, "currency": "usd", "destination": "ba_failing_account_closed"})

    sandbox.advance(3 * DAY)

    failed = client.v1.payouts.retrieve(payout.id)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert failed.failure_message == "The bank account has been closed."
    assert client.v1.balance_transactions.retrieve(str(failed.failure_balance_transaction)).amount == 1_000
    assert balance(client) == books(sandbox) == {"usd": (1_912, 0)}


def test_a_paid_payout_can_still_fail(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    pay(client, "pm_card_bypassPending")
    payout = client.v1.payouts.create({"amount": 1_000, "currency": "usd"})
    sandbox.advance(3 * DAY)

    sandbox.control("POST", "money/fail_payout", {"payout": payout.id, "code": "no_account"})

    assert client.v1.payouts.retrieve(payout.id).status == "failed"
    assert events(sandbox)[-2:] == ["payout.paid", "payout.failed"]
    assert balance(client) == books(sandbox) == {"usd": (1_912, 0)}


def test_every_night_everything_available_is_paid_out(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    sandbox.control("POST", "money/payout_schedule", {"interval": "daily"})
    first = charge_of(pay(client))
    euro = charge_of(pay(client, "pm_card_de", 5_000, "eur"))
    client.v1.refunds.create({"charge": first.id, "amount": 300})

    sandbox.advance(3 * DAY)

    payouts = {payout.currency: payout for payout in client.v1.payouts.list().data}
    assert {currency: payout.amount for currency, payout in payouts.items()} == {"usd": 1_612, "eur": 4_900}
    assert all(payout.automatic for payout in payouts.values())
    assert balance(client) == books(sandbox) == {}
    lines = client.v1.balance_transactions.list({"payout": payouts["usd"].id}).data
    assert sorted((line.type, line.net) for line in lines) == [("charge", 1_912), ("payout", -1_612), ("refund", -300)]
    assert [line.source for line in client.v1.balance_transactions.list({"payout": payouts["eur"].id}).data][
        1
    ] == euro.id
    sandbox.advance(3 * DAY)
    assert {payout.status for payout in client.v1.payouts.list().data} == {"paid"}
    assert client.v1.payouts.retrieve(payouts["usd"].id).reconciliation_status == "completed"
    assert len(client.v1.payouts.list().data) == 2


def test_a_reversed_payout_has_a_twin(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    pay(client, "pm_card_bypassPending")
    payout = client.v1.payouts.create({"amount": 1_000, "currency": "usd"})
    early = refused(client.v1.payouts.reverse, payout.id)
    sandbox.advance(3 * DAY)

    back = client.v1.payouts.reverse(payout.id)

    assert early.http_status == 400
    assert (back.amount, back.original_payout) == (-1_000, payout.id)
    assert client.v1.payouts.retrieve(payout.id).reversed_by == back.id
    assert balance(client) == books(sandbox) == {"usd": (1_912, 0)}
