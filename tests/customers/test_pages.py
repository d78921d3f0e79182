"""Finding a customer, and the page that shows all of one."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.database import db
from app.mirror import pull
from app.models.customer import Customer
from app.webhooks import inbox
from app.webhooks.envelope import of
from tests import factories
from tests.canned import Canned
from tests.desk import staff
from tests.mirror.reading import gateway_to
from tests.queries import counted
from tests.webhooks.signing import customer as stripe_customer
from tests.webhooks.signing import event


def mira_with_everything() -> Customer:
    mira = factories.customer(id="cus_mira", email="mira@example.com", name="Mira Lind", phone="+49 30 1234")
    for currency in ("eur", "jpy"):
        charge = factories.charge(customer_id=mira.id, amount=9_000, currency=currency)
        refund = factories.refund(charge, amount=1_000)
        dispute = factories.dispute(charge)
        ledger: list[dict[str, Any]] = [
            {"source_id": charge.id, "amount": 9_000, "fee": 290, "net": 8_710},
            {"source_id": refund.stripe_id, "reporting_category": "refund", "amount": -1_000, "fee": 0, "net": -1_000},
            {"source_id": dispute.id, "reporting_category": "dispute", "amount": -8_000, "fee": 1_500, "net": -9_500},
        ]
        for line in ledger:
            factories.balance_transaction(currency=currency, **line)
    factories.payment_method(customer_id=mira.id)
    factories.mandate(customer_id=mira.id, reference="MNDT-77")
    # Somebody else's money must not be hers.
    factories.balance_transaction(source_id=factories.charge(customer_id="cus_other").id, amount=77_777)
    return mira


def test_the_money_is_the_sum_of_the_ledger_per_currency(app: Flask) -> None:
    mira = mira_with_everything()

    page = staff(app).get(f"/admin/customers/{mira.id}")

    assert "Gross 90.00 EUR Refunded −10.00 EUR Disputed −80.00 EUR Fees −17.90 EUR Net −17.90 EUR" in page.words
    assert "Gross 9,000 JPY Refunded −1,000 JPY Disputed −8,000 JPY Fees −1,790 JPY Net −1,790 JPY" in page.words
    ledger = "SELECT currency, sum(net) FROM balance_transactions WHERE amount <> 77777 GROUP BY currency ORDER BY 1"
    assert [tuple(row) for row in db.session.execute(text(ledger))] == [("eur", -1_790), ("jpy", -1_790)]


def test_all_of_a_customer_takes_at_most_twelve_queries(app: Flask) -> None:
    mira_with_everything()
    desk = staff(app)

    with counted() as queries:
        page = desk.get("/admin/customers/cus_mira")

    assert len(queries) == 12, queries
    for fact in ("mira@example.com", "+49 30 1234", "Visa", "4242", "04/2031", "MNDT-77", "Chargeback.", "Fraudulent"):
        assert fact in page.words, fact
    assert "/admin/charges/?customer=cus_mira" in page.links


@pytest.mark.parametrize("typed", ["mira@example.com", "MIRA@example.com", "mira", "Mira Lind", "4711"])
def test_a_customer_is_found_by(app: Flask, typed: str) -> None:
    mira = factories.customer(id="cus_mira", email="mira@example.com", name="Mira Lind")
    factories.charge(customer_id=mira.id, last4="4711")
    factories.customer(id="cus_otto", email="otto@example.com", name="Otto")

    page = staff(app).get(f"/admin/customers/?q={typed}")

    assert "/admin/customers/cus_mira" in page.links
    assert "/admin/customers/cus_otto" not in page.links


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("cus_mira", "/admin/customers/cus_mira"),
        ("ch_mira", "/admin/charges/ch_mira"),
        (" pi_mira ", "/admin/charges/ch_mira"),
        ("dp_mira", "/admin/disputes/dp_mira"),
        ("po_mira", "/admin/payouts/po_mira"),
    ],
)
def test_an_id_leads_straight_to_its_page(app: Flask, typed: str, page: str) -> None:
    mira = factories.customer(id="cus_mira")
    charge = factories.charge(id="ch_mira", customer_id=mira.id, payment_intent_id="pi_mira")
    factories.dispute(charge, id="dp_mira")
    factories.payout(id="po_mira")

    desk = staff(app, "finance")

    assert desk.get(f"/admin/customers/?q={typed}", expect=302).location == page
    assert desk.get(page).status == 200


def test_an_id_that_is_not_for_this_role_leads_nowhere(app: Flask) -> None:
    factories.payout(id="po_mira")

    page = staff(app, "support").get("/admin/customers/?q=po_mira")

    assert "Nothing matches" in page.words


def test_personal_data_is_masked_for_who_may_not_see_it(app: Flask) -> None:
    mira, desk = mira_with_everything(), staff(app, "developer")

    page, listed = desk.get(f"/admin/customers/{mira.id}"), desk.get("/admin/customers/")

    assert "m***@example.com" in page.words
    for html in (page.html, listed.html):
        assert "mira@example.com" not in html
        assert "+49 30 1234" not in html


def test_what_another_account_says_of_the_same_id_is_not_theirs(app: Flask) -> None:
    mira = factories.customer(id="cus_mira")
    other = factories.another_account().id
    theirs = factories.charge(customer_id=mira.id, account_id=other)
    factories.refund(theirs, account_id=other)
    factories.dispute(theirs, account_id=other)
    factories.payment_method(customer_id=mira.id, account_id=other, last4="9999")
    factories.mandate(customer_id=mira.id, account_id=other, reference="MNDT-OTHER")

    page = staff(app).get(f"/admin/customers/{mira.id}")

    assert "No payments yet" in page.words
    for word in (theirs.id, "Refunds", "Chargeback", "9999", "MNDT-OTHER"):
        assert word not in page.words.partition("Customer since")[2]


def test_a_customer_deleted_in_stripe_says_so(app: Flask) -> None:
    gone = factories.customer(deleted_at=factories.NOON + timedelta(days=1))

    assert "Deleted in Stripe" in staff(app).get(f"/admin/customers/{gone.id}").words


@pytest.mark.parametrize("way", ["told", "read"])
def test_the_payments_of_a_customer_who_was_deleted_stay_and_are_found(app: Flask, way: str) -> None:
    customer = factories.customer(id="cus_1", name="Mona Berg", email="mona@example.com")
    charge = factories.charge(customer_id=customer.id).id
    if way == "told":
        gone = stripe_customer("cus_1", name="Mona Berg", email="mona@example.com")
        inbox.take_in([of(event("customer.deleted", gone, created=int(factories.NOON.timestamp()) + 60))])
    else:
        with Canned() as canned:
            canned.objects["/v1/customers/cus_1"] = {"id": "cus_1", "object": "customer", "deleted": True}
            pull.read_again("customer", "cus_1", gateway_to(canned), customer.account_id)
    support = staff(app)

    assert "Deleted in Stripe" in support.get("/admin/customers/cus_1").words
    for typed in ("mona@example.com", "berg"):
        assert f"/admin/charges/{charge}" in support.get(f"/admin/charges/?q={typed}").links, typed
        assert "/admin/customers/cus_1" in support.get(f"/admin/customers/?q={typed}").links, typed
    assert "/admin/customers/cus_1" in support.get("/admin/customers/?state=deleted").links
    assert "/admin/customers/cus_1" not in support.get("/admin/customers/?state=kept").links


def test_a_customer_without_anything_is_an_empty_page(app: Flask) -> None:
    page = staff(app).get(f"/admin/customers/{factories.customer(name=None, email=None).id}")

    assert "No payments yet" in page.words
    assert "No line of the ledger has arrived yet." in page.words


def test_the_list_asks_as_little_for_fifty_as_for_one(app: Flask) -> None:
    desk = staff(app)
    for _ in range(50):
        factories.customer()

    with counted() as queries:
        desk.get("/admin/customers/")

    assert len(queries) == 3, queries  # session with account, kept views, customers
