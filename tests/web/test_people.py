"""Who somebody is, on the pages of those who may not see it."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.desk import staff

ADDRESS = "mira@example.com"
PERSONAL = (ADDRESS, "Mira Lind", "+49 30 1234", "203.0.113.9", "Lindenstr. 1", "10115")


def test_addresses_hide_in_whatever_the_shop_wrote_them_into(app: Flask) -> None:
    mira = factories.customer(
        name=ADDRESS, email=ADDRESS, description=f"Was {ADDRESS}", labels={"login": ADDRESS, "phone": "+49 30 1234"}
    )
    charge = factories.charge(
        customer_id=mira.id, description=f"Order of {ADDRESS}", labels={"contact-name": "Mira Lind", "order": "7"}
    )
    viewer, agent = staff(app, "view_only"), staff(app, "support")
    pages = ("/admin/customers/", f"/admin/customers/{mira.id}", f"/admin/charges/{charge.id}")

    for page in map(viewer.get, pages):
        assert "m***@example.com" in page.words
        assert [word for word in PERSONAL if word in page.html] == []
    for page in map(agent.get, pages):
        assert ADDRESS in page.words
    assert "order 7" in viewer.get(pages[2]).words


def test_a_refund_as_stripe_sent_it_may_name_the_customer(app: Flask) -> None:
    refund = factories.refund(factories.charge(), raw=factories.packed({"id": "re", "instructions_email": ADDRESS}))

    assert ADDRESS in staff(app, "support").get(f"/admin/refunds/{refund.id}").words
    assert ADDRESS not in staff(app, "view_only").get(f"/admin/refunds/{refund.id}").html


@pytest.mark.parametrize(
    "thing",
    [
        {"customer_email": ADDRESS, "customer_name": "Mira Lind", "customer_phone": "+49 30 1234"},
        {"customer_details": {"email": ADDRESS, "name": "Mira Lind", "address": {"line1": "Lindenstr. 1"}}},
        {"customer_address": {"line1": "Lindenstr. 1", "postal_code": "10115"}, "lines": [{"name": "Mira Lind"}]},
        {"metadata": {"contact": f"<{ADDRESS}>", "Customer Name": "Mira Lind"}, "description": f"For {ADDRESS}, again"},
        {"evidence": {"customer_purchase_ip": "203.0.113.9", "uncategorized_text": "Mira Lind lives in Lindenstr. 1"}},
        {"instructions_email": ADDRESS, "shipping": {"name": "Mira Lind", "phone": "+49 30 1234"}},
    ],
)
def test_an_event_of_any_kind_of_object_is_shown_without_persons(app: Flask, thing: dict[str, Any]) -> None:
    body = factories.packed({"id": "evt_1", "data": {"object": thing | {"id": "in_1", "status": "paid"}}})
    event = factories.event(body=body)

    page = staff(app, "developer").get(f"/admin/webhooks/{event.id}")

    assert '"status": "paid"' in page.words
    assert [word for word in PERSONAL if word in page.html] == []


@pytest.mark.parametrize(("name", "email"), [("Zed", ADDRESS), (ADDRESS, None)])
@pytest.mark.parametrize("list_", ["customers", "charges"])
def test_a_hidden_address_cannot_be_guessed_letter_by_letter(
    app: Flask, list_: str, name: str, email: str | None
) -> None:
    mira = factories.customer(name=name, email=email)
    charge = factories.charge(customer_id=mira.id)
    page = f"/admin/{list_}/{mira.id if list_ == 'customers' else charge.id}"
    viewer, agent = staff(app, "view_only"), staff(app, "support")

    found = {
        (desk.email.partition("-")[0], typed): page in desk.get(f"/admin/{list_}/?q={typed}").links
        for desk in (viewer, agent)
        for typed in ("mira@e", ADDRESS)
    }

    assert found == {
        ("view", "mira@e"): False,
        ("view", ADDRESS): True,
        ("support", "mira@e"): True,
        ("support", ADDRESS): True,
    }


def test_a_customer_of_another_account_is_nobody_here(app: Flask) -> None:
    factories.account()
    theirs = factories.customer(name="Mira Lind", account_id=factories.another_account().id)
    charge, desk = factories.charge(customer_id=theirs.id), staff(app)

    for path in (
        "/admin/charges/",
        f"/admin/charges/{charge.id}",
        "/admin/charges/?q=mira",
        "/admin/customers/?q=mira",
    ):
        assert "Mira Lind" not in desk.get(path).html
