"""Customers who are one person: found in pairs, linked, summed, parted."""

from typing import Any

import pytest
from flask import Flask

from app.database import db
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.customer_link import CustomerLink
from tests import factories
from tests.desk import Desk, Page, staff
from tests.queries import counted


def customer_who_paid(key: str, minor: int, **columns: Any) -> Customer:
    made = factories.customer(id=key, **columns)
    charge = factories.charge(customer_id=key, amount=minor)
    factories.balance_transaction(source_id=charge.id, amount=minor, fee=0, net=minor)
    return made


def two() -> None:
    customer_who_paid("cus_a", 1_000, email="mona@example.com", name="Mona")
    customer_who_paid("cus_b", 2_000, email="MONA@example.com ", name="Mona B")
    customer_who_paid("cus_c", 4_000, email="other@example.com", name="Otto")


def link(desk: Desk, one: str, other: str, *, act: str = "link") -> Page:
    desk.post(f"/admin/customers/{one}/{act}", {"other": other})
    return desk.get(f"/admin/customers/{one}")


def acts() -> list[tuple[str, str, Any]]:
    found = db.session.query(AuditLog).filter(AuditLog.action.like("customer.%")).order_by(AuditLog.id)
    return [(act.action, act.object_id, act.after) for act in found]


def test_linked_customers_are_summed_and_parted_again(app: Flask) -> None:
    two()
    ana = staff(app)

    linked, other = link(ana, "cus_a", "cus_b"), ana.get("/admin/customers/cus_b")
    parted = link(ana, "cus_b", "cus_a", act="part")

    assert "Gross 30.00 EUR Net 30.00 EUR" in linked.words
    assert "Gross 30.00 EUR Net 30.00 EUR" in other.words
    assert "Gross 20.00 EUR Net 20.00 EUR" in parted.words
    assert "Gross 10.00 EUR Net 10.00 EUR" in ana.get("/admin/customers/cus_a").words
    assert acts() == [
        ("customer.linked", "cus_a", {"other": "cus_b"}),
        ("customer.unlinked", "cus_b", {"other": "cus_a"}),
    ]
    assert db.session.query(CustomerLink).count() == 0


def test_all_payments_of_linked_customers_are_one_list_until_they_are_parted(app: Flask) -> None:
    two()
    ana = staff(app)

    page = link(ana, "cus_a", "cus_b")
    together = ana.get("/admin/charges/?person=cus_a")
    parted = link(ana, "cus_b", "cus_a", act="part")

    assert "/admin/charges/?person=cus_a" in page.links
    assert _owners(together) == {"cus_a", "cus_b"}
    assert "/admin/charges/?customer=cus_b" in parted.links
    assert _owners(ana.get("/admin/charges/?person=cus_a")) == {"cus_a"}
    assert _owners(ana.get("/admin/charges/?person=cus_nobody")) == set()


def _owners(page: Page) -> set[str]:
    paid = {row.id: row.customer_id for row in db.session.query(Charge.id, Charge.customer_id)}
    return {paid[key] for link in page.links if (key := link.rpartition("/")[2]) in paid}


def test_links_reach_through_each_other(app: Flask) -> None:
    two()
    ana = staff(app)
    link(ana, "cus_a", "cus_b")

    page = link(ana, "cus_b", "cus_c")

    assert "Gross 70.00 EUR" in page.words
    through = ana.get("/admin/customers/cus_a")
    assert "Gross 70.00 EUR" in through.words
    assert "Through another" in through.words
    ana.post("/admin/customers/cus_a/part", {"other": "cus_c"})
    assert "not linked to each other" in ana.get("/admin/customers/cus_a").words
    assert db.session.query(CustomerLink).count() == 2


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("cus_a", "the same customer"),
        ("cus_nobody", "no customer with this id"),
        ("\0", "no customer"),
        ("", "no customer"),
    ],
)
def test_what_cannot_be_linked(app: Flask, other: str, words: str) -> None:
    two()

    page = link(staff(app), "cus_a", other)

    assert words in page.words
    assert (acts(), db.session.query(CustomerLink).count()) == ([], 0)


def test_nobody_is_linked_twice_or_to_another_account(app: Flask) -> None:
    two()
    ana, theirs = staff(app), factories.customer(account_id=factories.another_account().id)
    link(ana, "cus_a", "cus_b")

    assert "one person already" in link(ana, "cus_b", "cus_a").words
    assert "no customer with this id" in link(ana, "cus_a", theirs.id).words
    assert len(acts()) == 1


@pytest.mark.parametrize(
    ("one", "other", "is_pair"),
    [
        ("mona.berg@gmail.com", "monaberg+shop@googlemail.com", True),
        ("Mona@Example.com", " mona@example.com", True),
        ("mo.na@example.com", "mona@example.com", False),
        ("mona+x@example.com", "mona@example.com", False),
        (None, None, False),
    ],
)
def test_pairs_by_address(app: Flask, one: str | None, other: str | None, is_pair: bool) -> None:
    factories.customer(id="cus_a", email=one)
    factories.customer(id="cus_b", email=other)

    page = staff(app).get("/admin/customers/duplicates")

    assert ("/admin/customers/cus_b" in page.links) == is_pair


def test_pairs_by_card_are_neighbours_and_not_everybody_with_everybody(app: Flask) -> None:
    for n in range(120):
        factories.customer(id=f"cus_{n:03}")
        for _ in range(2):
            factories.payment_method(customer_id=f"cus_{n:03}", fingerprint="fp_shared")
    ana = staff(app)

    seen: list[str] = []
    path: str | None = "/admin/customers/duplicates?by=card"
    while path:
        with counted() as queries:
            page = ana.get(path)
        assert len(queries) == 3, queries  # session with account, pairs, names
        seen += [form["other"] for form in page.forms if form.get("other")]
        path = next((link for link in page.links if "after=" in link), None)

    assert seen == [f"cus_{n:03}" for n in range(1, 120)]


def test_a_page_of_pairs_that_was_made_up_is_refused(app: Flask) -> None:
    page = staff(app).get("/admin/customers/duplicates?after=x.y", expect=400)

    assert "no longer valid" in page.words


def test_a_person_who_looks_alike_is_offered_on_the_page(app: Flask) -> None:
    two()
    factories.payment_method(customer_id="cus_a", fingerprint="fp_1")
    factories.payment_method(customer_id="cus_c", fingerprint="fp_1")

    page = staff(app).get("/admin/customers/cus_a")

    assert "same e-mail" in page.words
    assert "same card" in page.words


def test_who_may_not_link_cannot(app: Flask) -> None:
    two()
    viewer = staff(app, "view_only")

    viewer.post("/admin/customers/cus_a/link", {"other": "cus_b"}, expect=403)

    assert "m***@example.com" in viewer.get("/admin/customers/duplicates").words
    assert acts() == []


def test_who_pays_with_one_card(app: Flask) -> None:
    for key, minor, disputed in [("cus_a", 1_000, False), ("cus_b", 2_000, True)]:
        factories.customer(id=key, name=f"Name of {key}")
        factories.charge(customer_id=key, amount=minor, fingerprint="fp_1", disputed=disputed)
    factories.charge(customer_id="cus_a", amount=500, currency="jpy", fingerprint="fp_1", status="failed", paid=False)
    factories.charge(customer_id="cus_c", fingerprint="fp_2")

    page = staff(app).get("/admin/customers/instruments/fp_1")

    assert "Name of cus_b 20.00 EUR 1 0 1" in page.words
    assert "Name of cus_a 10.00 EUR 1 0 0" in page.words
    assert "/admin/customers/cus_c" not in page.links
    staff(app).get("/admin/customers/instruments/nothing", expect=404)
