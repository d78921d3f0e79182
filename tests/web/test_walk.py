"""Whoever works here finds their way: every link they are shown opens, and nothing they open is broken."""

from datetime import timedelta

import pytest
from flask import Flask

from app import clock
from app.web.permissions import ROLES, Permission, may
from tests import factories
from tests.desk import Page, staff
from tests.walk import Walk

BASE = "http://localhost"


@pytest.mark.parametrize("role", ROLES)
def test_every_link_that_is_shown_opens(app: Flask, role: str) -> None:
    _a_little_of_everything()
    person = staff(app, role)
    walk, opened = Walk(app, BASE), [Page(person.client.get("/health"))]

    closed = []
    for endpoint, path in walk.pages(lambda: opened[-1].links):
        opened.append(person.get(path, expect=None))
        if opened[-1].status not in {200, 303, 302}:
            closed.append((endpoint, path, opened[-1].status))

    assert closed == []
    assert walk.kinds["admin.index"] == 1
    assert bool(walk.kinds["charges.details"]) == may(role, Permission.CHARGE_READ)


def _a_little_of_everything() -> None:
    person = factories.customer()
    factories.payment_method(customer_id=person.id)
    factories.mandate(customer_id=person.id)
    paid = factories.charge(customer_id=person.id, payment_intent_id="pi_1")
    factories.refund(paid)
    factories.balance_transaction(source_id=paid.id)
    factories.charge(
        customer_id=person.id, status="failed", paid=False, amount_captured=0, failure_code="card_declined"
    )
    factories.charge(captured=False, amount_captured=0, capture_before=clock.now() + timedelta(hours=9))
    factories.dispute(factories.charge(disputed=True), due_at=clock.now() + timedelta(days=2))
    factories.payout()
    factories.credit_note(invoice_id=factories.invoice(customer_id=person.id).id, customer_id=person.id)
    factories.act(object_id=factories.payment_intent().id)
    factories.act(
        object_id=factories.payment_intent().id,
        status="done",
        refusal=None,
        answered_at=clock.now(),
        result={"status": "succeeded"},
    )
    factories.event(object_id=paid.id)
