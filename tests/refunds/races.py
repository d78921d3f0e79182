"""Two or fifty people at one payment, many times over: what may never happen, whatever the order."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

from flask import Flask
from sqlalchemy import text

from app.actor import Actor
from app.database import db
from app.errors import DomainError
from app.money import MinorUnits, Money
from app.refunds.operations import refund_charge
from tests import factories
from tests.refunds.fake_gateway import FakeGateway

OVER = text("""
    SELECT c.id FROM charges c JOIN refunds r ON r.charge_id = c.id
     WHERE r.status NOT IN ('refused', 'failed', 'canceled') GROUP BY c.id HAVING sum(r.amount) > c.amount_captured""")


def race(app: Flask, gateway: FakeGateway, *, hands: int, times: int, seed: int) -> int:
    """`times` payments of 50.00 EUR, `hands` refunds at once on each, of amounts drawn from `seed`. Returns how many were made."""
    chance, gate = random.Random(seed), Barrier(hands)  # noqa: S311 - a seed has to give the same race again
    charges = [factories.charge(amount=5_000).id for _ in range(times)]
    wanted = [[chance.choice((1, 2_499, 2_500, 2_501, 5_000)) for _ in range(hands)] for _ in charges]

    def hand(n: int) -> int:
        made = 0
        with app.app_context():
            for charge_id, amounts in zip(charges, wanted, strict=True):
                gate.wait(60)
                made += _click(charge_id, amounts[n], n, gateway)
            db.session.remove()
        return made

    with ThreadPoolExecutor(hands) as threads:
        return sum(threads.map(hand, range(hands)))


def assert_nothing_was_given_twice(gateway: FakeGateway, *, made: int) -> None:
    """One request to Stripe for each promise, one refund for each request, and no payment gave back more than it took."""
    db.session.rollback()
    assert db.session.execute(OVER).all() == []
    assert len(gateway.keys) == len(set(gateway.keys)) == len(gateway.made) == made
    given: dict[str, int] = {}
    for refund in gateway.made.values():
        given[refund["charge"]] = given.get(refund["charge"], 0) + refund["amount"]
    assert [charge for charge, amount in given.items() if amount > 5_000] == []
    assert db.session.execute(text("SELECT count(*) FROM refunds WHERE status = 'requested'")).scalar_one() == 0
    requested = "SELECT count(*) FROM audit_logs WHERE action = 'refund.requested'"
    assert db.session.execute(text(requested)).scalar_one() == made
    db.session.rollback()


def at_once(acts: list[Callable[[], object]]) -> list[object]:
    """All of them, started at the same instant."""
    gate = Barrier(len(acts))

    def one(act: Callable[[], object]) -> object:
        gate.wait(60)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def _click(charge_id: str, minor: int, n: int, gateway: FakeGateway) -> int:
    try:
        refund = refund_charge(
            charge_id,
            Money(MinorUnits(minor), "eur"),
            promise_id=uuid4(),
            reason="other",
            reason_text="Broken",
            actor=Actor("staff", f"agent{n}@shop.example"),
            gateway=gateway,
        )
    except DomainError:
        return 0
    return int(refund.status == "succeeded")
