"""What differs is found, named by field, and healed with a word in the audit trail."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.database import db, transaction
from app.gateways.answer import Answer
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.invoice import InvoiceLine
from app.models.payment_intent import PaymentIntent
from app.sync.check import check
from app.sync.compare import Drift
from tests import factories
from tests.sandbox.client import Sandbox
from tests.sync.conftest import Copy


@pytest.fixture
def shop(sandbox: Sandbox, copy_of_sandbox: Copy) -> Copy:
    """Three customers, six payments, a refund; copied."""
    for number in range(3):
        customer = sandbox.post("/v1/customers", {"email": f"jo{number}@example.com", "payment_method": "pm_card_visa"})
        for _ in range(2):
            pay(sandbox, customer["id"])
    charge = sandbox.get("/v1/charges")["data"][0]
    sandbox.post("/v1/refunds", {"charge": charge["id"], "amount": 300})
    copy_of_sandbox.sync()
    return copy_of_sandbox


def pay(sandbox: Sandbox, customer: str, amount: int = 2_000) -> str:
    form = {
        "amount": amount,
        "currency": "eur",
        "customer": customer,
        "payment_method": "pm_card_visa",
        "confirm": "true",
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    }
    return str(sandbox.post("/v1/payment_intents", form)["id"])


def test_a_fresh_copy_differs_in_nothing(shop: Copy):
    report = shop.check()

    assert report.drifts == []
    assert report.is_whole
    counts = {kind: count for kind, count in report.compared.items() if count}
    assert counts == {
        "customer": 3,
        "payment_intent": 6,
        "charge": 6,
        "refund": 1,
        "balance_transaction": 7,
        "payment_method": 3,
    }


def test_one_changed_amount_is_found_named_and_healed(shop: Copy):
    charge_id = db.session.scalars(select(Charge.id).order_by(Charge.id)).first()
    with transaction():
        db.session.execute(
            text('UPDATE charges SET amount = 1, metadata = \'{"a": "b"}\' WHERE id = :id'), {"id": charge_id}
        )

    found = shop.check("charge")
    healed = shop.check("charge", heal=True)

    drifts = [Drift("charge", charge_id, "amount", 1, 2_000), Drift("charge", charge_id, "metadata", {"a": "b"}, {})]
    assert found.drifts == drifts
    assert not found.is_whole
    assert healed.drifts == drifts
    assert healed.is_whole
    assert db.session.get_one(Charge, charge_id).amount == 2_000
    [entry] = db.session.scalars(select(AuditLog).where(AuditLog.action == "sync.healed"))
    assert (entry.object_id, entry.before, entry.after["amount"]) == (
        charge_id,
        {"amount": "1", "metadata": "personal data"},
        "2000",
    )
    db.session.rollback()
    assert shop.check().drifts == []


def test_the_trail_says_that_personal_data_was_healed_and_not_what_it_is(shop: Copy):
    with transaction():
        db.session.execute(text("UPDATE customers SET email = 'old@example.com', delinquent = true"))

    assert shop.check("customer", heal=True).healed == 3

    healed = db.session.scalars(select(AuditLog).where(AuditLog.action == "sync.healed")).all()
    told = {"delinquent": "False", "email": "personal data"}
    assert [(row.before, row.after) for row in healed] == [(told | {"delinquent": "True"}, told)] * 3


def test_nothing_stays_open_while_stripe_is_asked_for_what_it_lists_nowhere(app: Flask):
    class Stripe:
        asked: ClassVar[list[str]] = []

        def look(self, path: str) -> Answer:
            assert not db.session().in_transaction()
            self.asked.append(path)
            now = clock.now()
            return Answer({}, 404, None, now, now, timedelta(), None)

        def page(self, path: str, parameters: Mapping[str, Any]) -> Answer:
            raise AssertionError(f"{path} {parameters} was not expected")

    account_id, stripe = factories.mandate().account_id, Stripe()
    factories.mandate()

    check(stripe, account_id, kinds=["mandate"])

    assert len(stripe.asked) == 4


def test_a_row_that_is_missing_or_too_much_is_found_and_healed(shop: Copy):
    lost = db.session.scalars(select(PaymentIntent.id).order_by(PaymentIntent.id)).first()
    with transaction():
        db.session.execute(text("DELETE FROM payment_intents WHERE id = :id"), {"id": lost})
        db.session.execute(text("UPDATE charges SET id = 'ch_ghost' WHERE id = (SELECT max(id) FROM charges)"))

    report = shop.check("payment_intent", "charge", heal=True)

    assert [str(drift) for drift in report.drifts if drift.kind == "payment_intent"] == [
        f"payment_intent {lost} is only at Stripe"
    ]
    assert "charge ch_ghost is only here" in [str(drift) for drift in report.drifts]
    assert db.session.get_one(PaymentIntent, lost).amount == 2_000
    assert db.session.get_one(Charge, "ch_ghost").deleted_at is not None
    db.session.rollback()
    assert shop.check().drifts == []


def test_a_change_without_a_webhook_is_a_difference_until_the_next_sync(shop: Copy, sandbox: Sandbox):
    customer_id = sandbox.get("/v1/customers")["data"][0]["id"]
    sandbox.post(f"/v1/customers/{customer_id}", {"name": "New Name"})
    pay(sandbox, customer_id, 4_200)

    before = {(drift.kind, drift.field) for drift in shop.check().drifts}
    shop.sync()

    assert ("customer", "name") in before
    assert ("charge", "") in before
    assert db.session.get_one(Customer, customer_id).name == "New Name"
    db.session.rollback()
    assert shop.check().drifts == []


def test_a_customer_deleted_while_webhooks_were_down_is_marked_by_the_next_sync(shop: Copy, sandbox: Sandbox):
    customer_id = sandbox.get("/v1/customers")["data"][0]["id"]
    sandbox.call("DELETE", f"/v1/customers/{customer_id}")

    shop.sync()

    assert db.session.get_one(Customer, customer_id).deleted_at is not None
    assert db.session.query(Charge).filter_by(customer_id=customer_id).count() == 2
    db.session.rollback()
    assert shop.check().drifts == []


def test_a_line_of_an_invoice_that_differs_is_named(sandbox: Sandbox, copy_of_sandbox: Copy):
    from tests import objects

    lines = [{**objects.line(id=f"il_{n}"), "livemode": False} for n in range(3)]
    sandbox.put(objects.invoice(lines, id="in_1", livemode=False))
    copy_of_sandbox.sync()
    assert copy_of_sandbox.check("invoice").drifts == []
    with transaction():
        db.session.get_one(InvoiceLine, "il_1").amount = 1

    assert [str(drift) for drift in copy_of_sandbox.check("invoice").drifts] == [
        "invoice in_1: lines il_1 amount is 1 here and 100 at Stripe"
    ]
