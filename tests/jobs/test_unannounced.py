"""What changes at Stripe without an event of its own is read all the same."""

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.database import db, transaction
from app.errors import GatewayRefused, GatewayUnavailable
from app.gateways.answer import Answer
from app.models.balance_transaction import BalanceTransaction
from app.models.charge import Charge
from app.models.wanted_object import WantedObject
from app.webhooks import inbox, ledger, wanted
from app.webhooks.envelope import of
from tests.webhooks.fakes import FakeGateway
from tests.webhooks.signing import charge, event

MINUTE = timedelta(minutes=1)


class PagedGateway(FakeGateway):
    """Also answers lists: pages of a hundred of these lines, newest first."""

    lines: list[dict[str, Any]]

    def page(self, path: str, parameters: dict[str, Any]) -> Answer:
        assert not db.session().in_transaction()
        self.asked.append(path)
        if self.error:
            raise self.error
        ids = [line["id"] for line in self.lines]
        first = ids.index(parameters["starting_after"]) + 1 if "starting_after" in parameters else 0
        body = {"data": self.lines[first : first + 100], "has_more": first + 100 < len(ids)}
        now = clock.now()
        return Answer(body, 200, "req_1", now.replace(microsecond=0), now, timedelta(), "2026-10-28.endive")


def take(*events: dict[str, Any]) -> int:
    inbox.take_in([of(said) for said in events])
    return db.session.scalars(text("SELECT DISTINCT account_id FROM webhook_events")).one()  # type: ignore[no-any-return]


def line(line_id: str) -> dict[str, Any]:
    plain = {"type": "charge", "amount": 2_000, "fee": 88, "net": 1_912, "currency": "eur", "status": "pending"}
    return {"id": line_id, "object": "balance_transaction", "created": 1_790_000_000} | plain


def refund(**changes: Any) -> dict[str, Any]:
    plain = {"id": "re_1", "object": "refund", "charge": "ch_1", "amount": 500, "currency": "eur", "status": "failed"}
    return plain | {"created": 1_790_000_000} | changes


def wants() -> list[tuple[str, str]]:
    db.session.rollback()
    found = db.session.scalars(select(WantedObject).order_by(WantedObject.kind, WantedObject.id))
    return [(row.kind, row.id) for row in found]


def never() -> bool:
    return False


def test_a_failed_refund_has_its_charge_read_again(app: Flask) -> None:
    take(event("charge.refunded", charge("ch_1", amount_refunded=500)))
    take(event("refund.failed", refund(), created=1_790_000_100))
    assert wants() == [("charge", "ch_1")]

    assert wanted.fetch(FakeGateway({"/v1/charges/ch_1": charge("ch_1")}), limit=10, stop=never) == 1

    assert db.session.get_one(Charge, "ch_1", populate_existing=True).amount_refunded == 0
    assert wants() == []


def test_a_new_dispute_has_its_charge_read_and_a_refund_that_works_has_not(app: Flask) -> None:
    dispute = {"id": "du_1", "object": "dispute", "charge": "ch_2", "amount": 1, "currency": "eur", "status": "lost"}
    take(event("refund.created", refund(status="succeeded")))
    take(event("charge.dispute.created", dispute | {"created": 1_790_000_000}))

    assert wants() == [("charge", "ch_2")]


def test_news_during_a_read_has_it_read_once_more(app: Flask) -> None:
    class Meanwhile(FakeGateway):
        def look(self, path: str) -> Answer:
            answer = super().look(path)
            if len(self.asked) == 1:
                take(event("refund.updated", refund(id="re_2", status="canceled")))
            return answer

    take(event("refund.failed", refund()))
    gateway = Meanwhile({"/v1/charges/ch_1": charge("ch_1")})

    assert wanted.fetch(gateway, limit=10, stop=never) == 1
    assert wants() == [("charge", "ch_1")]
    assert wanted.fetch(gateway, limit=10, stop=never) == 1
    assert wants() == []


def test_a_few_missing_lines_are_read_one_by_one(app: Flask) -> None:
    account_id = take(event("charge.succeeded", charge("ch_1", balance_transaction="txn_1")))
    assert ledger.note_missing(account_id, now=clock.now(), within=MINUTE) == 1
    assert ledger.note_missing(account_id, now=clock.now(), within=MINUTE) == 0

    gateway = FakeGateway({"/v1/balance_transactions/txn_1": line("txn_1")})
    assert wanted.fetch(gateway, limit=10, stop=never) == 1

    assert db.session.get_one(BalanceTransaction, "txn_1").fee == 88
    assert ledger.note_missing(account_id, now=clock.now(), within=MINUTE) == 0


def test_many_missing_lines_are_read_by_the_page_and_the_rest_one_by_one(app: Flask) -> None:
    account_id = take(
        *(event("charge.succeeded", charge(f"ch_{n:03}", balance_transaction=f"txn_{n:03}")) for n in range(120))
    )
    assert ledger.note_missing(account_id, now=clock.now(), within=MINUTE) == 120
    gateway = PagedGateway({"/v1/balance_transactions/txn_000": line("txn_000")})
    gateway.lines = [line(f"txn_{n:03}") for n in range(119, 0, -1)]

    assert wanted.fetch(gateway, limit=500, stop=never) == 120

    assert gateway.asked == ["/v1/balance_transactions"] * 2 + ["/v1/balance_transactions/txn_000"]
    assert db.session.query(BalanceTransaction).count() == 120
    assert wants() == []


def test_lines_of_refunds_disputes_and_payouts_are_noted_too(app: Flask) -> None:
    entries = [line("txn_d1"), line("txn_d2")]
    dispute = {"id": "du_1", "object": "dispute", "charge": "ch_1", "amount": 1, "currency": "eur", "status": "won"}
    payout = {"id": "po_1", "object": "payout", "amount": 1, "currency": "eur", "status": "failed"}
    failed = {"balance_transaction": "txn_r1", "failure_balance_transaction": "txn_r2", "charge": None}
    paid_back = {"balance_transaction": "txn_p1", "failure_balance_transaction": "txn_p2", "created": 1_790_000_000}
    account_id = take(
        event("refund.failed", refund(**failed)),
        event("charge.dispute.closed", dispute | {"balance_transactions": entries, "created": 1_790_000_000}),
        event("payout.failed", payout | paid_back),
    )

    assert ledger.note_missing(account_id, now=clock.now(), within=MINUTE) == 6

    assert [name for _, name in wants()] == ["txn_d1", "txn_d2", "txn_p1", "txn_p2", "txn_r1", "txn_r2"]


def test_while_stripe_is_away_nothing_noted_is_lost(app: Flask) -> None:
    account_id = take(*(event("charge.succeeded", charge(f"ch_{n}", balance_transaction=f"txn_{n}")) for n in range(5)))
    ledger.note_missing(account_id, now=clock.now(), within=MINUTE)
    away = PagedGateway(error=GatewayUnavailable("Stripe does not answer."))

    assert wanted.fetch(away, limit=10, stop=never) == 0

    assert len(wants()) == 5


def test_what_stripe_refuses_to_show_is_not_asked_for_for_ever(app: Flask) -> None:
    take(event("charge.dispute.created", refund(object="dispute", id="du_1", status="lost")))
    refused, away = (
        FakeGateway({}, error=GatewayRefused("This key may not.")),
        FakeGateway({}, error=GatewayUnavailable("?")),
    )

    def look(gateway: FakeGateway) -> None:
        with transaction():
            db.session.execute(text("UPDATE wanted_objects SET next_try_at = :now"), {"now": clock.now()})
        assert wanted.fetch(gateway, limit=10, stop=never) == 0

    look(refused)
    with transaction():
        db.session.execute(text("UPDATE wanted_objects SET attempts = :most"), {"most": wanted.MOST_REFUSALS})
    look(away)
    assert wants() == [("charge", "ch_1")]
    look(refused)

    assert wants() == []


def test_an_event_of_long_ago_is_left_to_the_catch_up(app: Flask) -> None:
    account_id = take(event("charge.succeeded", charge("ch_1", balance_transaction="txn_1")))
    with transaction():
        db.session.execute(text("UPDATE webhook_events SET received_at = now() - interval '5 minutes'"))

    assert ledger.note_missing(account_id, now=clock.now(), within=MINUTE) == 0
    assert ledger.note_missing(account_id, now=clock.now(), within=wanted.REACH) == 1
