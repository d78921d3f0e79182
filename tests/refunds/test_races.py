"""Many hands on one payment: threads with connections of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Semaphore
from uuid import UUID, uuid4

from flask import Flask

from app.actor import Actor
from app.database import db
from app.errors import DomainError
from app.gateways.lines import LINES
from app.models.audit_log import AuditLog
from app.models.refund import Refund
from app.money import MinorUnits, Money
from app.refunds.operations import refund_charge
from app.refunds.recovery import recover
from tests import factories
from tests.refunds.fake_gateway import FakeGateway

THREADS = 20


def at_once(app: Flask, act: Callable[[int], str], times: int = THREADS) -> list[str]:
    """What each of the calls said, all of them started at the same instant."""
    gate = Barrier(times)

    def one(n: int) -> str:
        with app.app_context():
            gate.wait()
            try:
                return act(n)
            except DomainError as refusal:
                return f"{type(refusal).__name__}: {refusal}"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


def test_twenty_forms_at_once_are_one_refund(committed: Flask) -> None:
    charge_id, gateway = factories.charge(amount=5_000).id, FakeGateway()

    def click(n: int) -> str:
        actor = Actor("staff", f"agent{n % 2}@shop.example")
        money = Money(MinorUnits(5_000), "eur")
        refund = refund_charge(
            charge_id, money, promise_id=uuid4(), reason="other", reason_text="Broken", actor=actor, gateway=gateway
        )
        return refund.status

    said = at_once(committed, click)

    assert said.count("succeeded") == 1
    losers = [words for words in said if words != "succeeded"]
    assert all("by agent" in words and " on " in words and "50.00 EUR" in words for words in losers), losers
    assert len(gateway.keys) == 1
    assert db.session.query(Refund).count() == 1
    assert db.session.query(AuditLog).filter_by(action="refund.requested").count() == 1


def test_twenty_parts_at_once_never_exceed_the_payment(committed: Flask) -> None:
    charge_id, gateway = factories.charge(amount=5_000).id, FakeGateway()

    def click(n: int) -> str:
        actor, money = Actor("staff", "ana@shop.example"), Money(MinorUnits(3_000), "eur")
        return refund_charge(
            charge_id, money, promise_id=uuid4(), reason="other", reason_text="Broken", actor=actor, gateway=gateway
        ).status

    said = at_once(committed, click)

    assert said.count("succeeded") == 1
    assert sum(made["amount"] for made in gateway.made.values()) == 3_000


def test_one_form_sent_twenty_times_at_once_leads_everybody_to_the_same_refund(committed: Flask) -> None:
    charge_id, gateway, promise = factories.charge().id, FakeGateway(), uuid4()

    def click(n: int) -> str:
        actor, money = Actor("staff", "ana@shop.example"), Money(MinorUnits(5_000), "eur")
        return str(
            refund_charge(
                charge_id, money, promise_id=promise, reason="other", reason_text="Broken", actor=actor, gateway=gateway
            ).id
        )

    assert {UUID(found) for found in at_once(committed, click)} == {promise}
    assert gateway.keys == [f"refund:{promise}"]


def test_workers_at_once_share_the_waiting_refunds(committed: Flask) -> None:
    gateway = FakeGateway()
    gateway.down = True
    for _ in range(6):
        refund_charge(
            factories.charge().id,
            Money(MinorUnits(1_000), "eur"),
            promise_id=uuid4(),
            reason="other",
            reason_text="Broken",
            actor=Actor("staff", "ana@shop.example"),
            gateway=gateway,
        )
    gateway.down = False
    gateway.keys.clear()

    settled = at_once(committed, lambda _: str(recover(gateway)), times=4)

    assert sum(map(int, settled)) == 6
    assert len(gateway.keys) == len(set(gateway.keys)) == len(gateway.made) == 6


def test_when_stripe_hangs_only_some_wait_and_the_rest_is_left_to_the_job(committed: Flask) -> None:
    gateway, answers = FakeGateway(), Event()
    charges = [factories.charge().id for _ in range(LINES + 4)]
    asking = Semaphore(0)

    def hang(_: object) -> None:
        asking.release()
        answers.wait(30)

    gateway.before_answer = hang
    done: list[str] = []

    def click(n: int) -> str:
        money = Money(MinorUnits(1_000), "eur")
        actor = Actor("staff", "ana@shop.example")
        status = refund_charge(
            charges[n], money, promise_id=uuid4(), reason="other", reason_text="Broken", actor=actor, gateway=gateway
        ).status
        done.append(status)
        if len(done) == 4:
            for _ in range(LINES):
                asking.acquire(timeout=30)
            answers.set()
        return status

    said = at_once(committed, click, times=LINES + 4)

    assert done[:4] == ["requested"] * 4
    assert sorted(said) == ["requested"] * 4 + ["succeeded"] * LINES
    assert recover(gateway) == 4
    assert len(gateway.made) == len(gateway.keys) == LINES + 4
