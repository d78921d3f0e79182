"""Who paid without being a customer is found by the address of the payment."""

from typing import Any
from urllib.parse import quote

from flask import Flask
from sqlalchemy import Engine, event, text

from app.database import db
from app.models.charge import Charge
from tests import factories
from tests.desk import Desk, staff
from tests.search.test_pages import _groups, _things


def _guests() -> tuple[str, str]:
    """A guest's payment with a receipt, and one whose address stands in the billing details alone; beside them a customer's."""
    receipt = factories.charge(customer_id=None, receipt_email="Gast@Example.com").id
    billing = factories.charge(customer_id=None, billing_details={"email": "gast@example.com", "name": "Gast"}).id
    factories.charge(customer_id=None, receipt_email="other@example.com")
    factories.charge(customer_id=None, receipt_email="gast@example.com", account_id=factories.another_account().id)
    return receipt, billing


def _listed(desk: Desk, typed: str) -> set[str]:
    page = desk.get(f"/admin/charges/?q={quote(typed)}")
    return {link.rpartition("/")[2] for link in page.links if link.startswith("/admin/charges/ch_")}


def test_a_guests_payments_are_found_by_their_address_or_how_it_begins(app: Flask) -> None:
    factories.account()
    both = set(_guests())
    support = staff(app, "support")

    for typed in ("gast@example.com", "GAST@EXAMPLE.COM", " gast@ex", "gast"):
        assert _listed(support, typed) == both, typed
    assert _listed(support, "gast@example.org") == set()
    assert _listed(support, "gast @example.com") == set()


def test_the_search_finds_them_with_all_that_hangs_on_them(app: Flask) -> None:
    factories.account()
    receipt, billing = _guests()
    refund = factories.refund(db.session.get_one(Charge, receipt))
    dispute = factories.dispute(db.session.get_one(Charge, billing))
    support = staff(app, "support")
    payments = {f"/admin/charges/{key}" for key in (receipt, billing)}

    for typed in ("gast@example.com", "email:gast@example.com", "email:GAST", "gast@ status:succeeded"):
        found = _things(_groups(support, typed))
        assert set(found.pop("Payments")) == payments, typed
    assert _things(_groups(support, "email:gast in:refunds")) == {"Refunds": [f"/admin/refunds/{refund.id}"]}
    assert _things(_groups(support, "email:gast in:disputes")) == {"Disputes": [f"/admin/disputes/{dispute.id}"]}
    assert _things(_groups(support, "email:gast name:gast")) == {}
    assert _things(_groups(support, "email:gast@example.com status:failed")) == {}


def test_who_may_not_see_addresses_has_to_know_the_whole_of_one(app: Flask) -> None:
    factories.account()
    both = set(_guests())
    view_only = staff(app, "view_only")

    assert _listed(view_only, "gast@example.com") == both
    for typed in ("gast@example.co", "gast", "g"):
        assert _listed(view_only, typed) == set(), typed


def test_a_customers_payment_is_not_found_by_what_the_payment_calls_them(app: Flask) -> None:
    customer = factories.customer(email="mona@example.com").id
    factories.charge(customer_id=customer, receipt_email="gast@example.com")

    assert _listed(staff(app, "support"), "gast@example.com") == set()


def test_either_place_of_the_address_has_an_index_that_can_answer(app: Flask) -> None:
    factories.account()
    _guests()
    support = staff(app, "support")
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        _listed(support, "gast@example.com")
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    [(statement, values)] = [each for each in asked if "lower(charges.receipt_email)" in each[0]]

    # So small a table would be read whole, or by its account.
    db.session.execute(text("SET LOCAL enable_seqscan = off"))
    db.session.execute(text("SET LOCAL enable_sort = off"))
    plan = "\n".join(db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", values).scalars())

    assert "ix_charges_guest_receipt" in plan
    assert "ix_charges_guest_billing" in plan
