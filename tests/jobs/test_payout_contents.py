"""Each line of the ledger learns which payout it went out with, by event and by sync."""

from typing import Any

from flask import Flask
from sqlalchemy import select, text

from app.database import db
from app.mirror import payout_contents
from app.models.balance_transaction import BalanceTransaction
from app.webhooks import wanted
from tests.jobs.test_unannounced import PagedGateway, line, never, take, wants
from tests.sandbox.client import Sandbox
from tests.sandbox.money import charge_of, pay
from tests.sync.conftest import Copy, copy_of_sandbox  # noqa: F401 - the fixture
from tests.webhooks.signing import event

DAY = 86_400


def payout(**changes: Any) -> dict[str, Any]:
    plain = {"id": "po_1", "object": "payout", "amount": 1_912, "currency": "eur", "status": "paid", "automatic": True}
    return plain | {"created": 1_790_000_000} | changes


def belongings() -> dict[str, str | None]:
    db.session.rollback()
    found = db.session.execute(select(BalanceTransaction.id, BalanceTransaction.payout_id))
    return {row.id: row.payout_id for row in found}


def test_a_payout_that_was_paid_is_asked_what_is_in_it(app: Flask) -> None:
    take(event("payout.paid", payout()))
    assert wants() == [("payout_contents", "po_1")]
    gateway = PagedGateway()
    gateway.lines = [line("txn_1"), line("txn_2")]

    assert wanted.fetch(gateway, limit=10, stop=never) == 1

    assert belongings() == {"txn_1": "po_1", "txn_2": "po_1"}
    assert wants() == []


def test_of_a_payout_by_hand_stripe_does_not_know_it(app: Flask) -> None:
    take(event("payout.paid", payout(automatic=False)), event("payout.created", payout(id="po_2")))

    assert wants() == []


def test_what_belongs_to_it_no_more_is_let_go(app: Flask) -> None:
    account_id = take(event("payout.paid", payout()))
    gateway = PagedGateway()
    gateway.lines = [line("txn_1"), line("txn_2")]
    db.session.rollback()
    payout_contents.read("po_1", gateway, account_id)

    gateway.lines = [line("txn_2")]
    payout_contents.read("po_1", gateway, account_id)

    assert belongings() == {"txn_1": None, "txn_2": "po_1"}
    assert payout_contents.unknown(account_id) == []


def test_a_sync_fills_it_for_every_payout(copy_of_sandbox: Copy, sandbox: Sandbox) -> None:  # noqa: F811
    client = sandbox.stripe()
    sandbox.control("POST", "money/payout_schedule", {"interval": "daily"})
    paid = pay(client, "pm_card_bypassPending", 5_000, "eur")
    sandbox.advance(2 * DAY)
    pay(client, "pm_card_visa", 700, "eur")

    copy_of_sandbox.sync(full=True)

    with_payout = text("SELECT source_id FROM balance_transactions WHERE payout_id IS NOT NULL AND type = 'charge'")
    assert db.session.scalars(with_payout).all() == [charge_of(paid).id]
