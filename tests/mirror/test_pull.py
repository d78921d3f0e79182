"""Reading one object again, and keeping what the answer means."""

import pytest
from flask import Flask

from app.database import db
from app.errors import GatewayRefused, GatewayUnavailable
from app.mirror import pull
from app.mirror.door import Saved
from app.models.charge import Charge
from app.models.customer import Customer
from tests import factories, objects
from tests.canned import Canned, Obj
from tests.mirror.reading import gateway_to


@pytest.fixture
def account_id(app: Flask) -> int:
    return factories.account().id


def no(status: int, code: str | None) -> tuple[int, dict[str, str], Obj]:
    return status, {}, {"error": {"type": "invalid_request_error", "code": code, "message": "No."}}


def test_a_read_replaces_what_was_there(account_id):
    factories.charge(id="ch_1", amount_refunded=0)

    with Canned() as canned:
        canned.objects["/v1/charges/ch_1"] = objects.charge(id="ch_1", amount_refunded=700)
        saved = pull.read_again("charge", "ch_1", gateway_to(canned), account_id)

    assert saved == Saved(applied=["ch_1"])
    assert db.session.get_one(Charge, "ch_1").amount_refunded == 700


def test_a_customer_deleted_while_nobody_listened_is_marked(account_id):
    factories.customer(id="cus_1", name="Jo")

    with Canned() as canned:
        canned.objects["/v1/customers/cus_1"] = {"id": "cus_1", "object": "customer", "deleted": True}
        pull.read_again("customer", "cus_1", gateway_to(canned), account_id)

    row = db.session.get_one(Customer, "cus_1")
    assert row.name == "Jo"
    assert row.deleted_at is not None


def test_an_object_stripe_does_not_know_is_marked_and_not_made(account_id):
    factories.charge(id="ch_1")

    with Canned() as canned:
        canned.answers["/v1/charges/ch_1"] = canned.answers["/v1/charges/ch_2"] = no(404, "resource_missing")
        known = pull.read_again("charge", "ch_1", gateway_to(canned), account_id)
        unknown = pull.read_again("charge", "ch_2", gateway_to(canned), account_id)

    assert (known, unknown) == (Saved(applied=["ch_1"]), Saved(older=["ch_2"]))
    assert db.session.get_one(Charge, "ch_1").deleted_at is not None
    assert db.session.get(Charge, "ch_2") is None


def test_a_forbidden_read_changes_nothing(account_id):
    factories.charge(id="ch_1", amount_refunded=0)

    with Canned() as canned, pytest.raises(GatewayRefused):
        canned.answers["/v1/charges/ch_1"] = no(403, None)
        pull.read_again("charge", "ch_1", gateway_to(canned), account_id)

    assert db.session.get_one(Charge, "ch_1").deleted_at is None


def test_an_unanswered_read_changes_nothing(account_id):
    factories.charge(id="ch_1")

    with Canned() as canned, pytest.raises(GatewayUnavailable):
        canned.answers["/v1/charges/ch_1"] = 500, {}, {}
        pull.read_again("charge", "ch_1", gateway_to(canned), account_id)

    assert db.session.get_one(Charge, "ch_1").deleted_at is None
