"""Ways to pay: which one Stripe takes, and changing that, once, with a reason and on record."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from app.database import db
from app.models import charged_by
from app.models.audit_log import AuditLog
from app.models.customer import Customer
from app.models.debit_stop import DebitStop
from app.models.payment_method import PaymentMethod
from app.models.subscription import Subscription
from tests import factories
from tests.desk import staff
from tests.system.conftest import shop  # noqa: F401 - the fixture
from tests.system.shop import Shop

METHODS = "/admin/methods/"


@pytest.mark.parametrize("named", range(4))
def test_stripes_order_is_the_subscriptions_own_then_the_customers(named: int) -> None:
    ids = [f"pm_{n}" if n >= named else None for n in range(4)]
    subscription = Subscription(default_payment_method_id=ids[0], default_source_id=ids[1])
    customer = Customer(default_payment_method_id=ids[2], default_source_id=ids[3])

    step = charged_by.taken(subscription, customer)

    assert step is not None
    assert (step.method_id, step.name) == (f"pm_{named}", list(charged_by.STEPS)[named])
    beyond = charged_by.taken(subscription, customer, without=f"pm_{named}")
    assert (beyond.method_id if beyond else None) == (f"pm_{named + 1}" if named < 3 else None)


def test_the_page_says_what_is_charged_to_it_and_why(app: Flask) -> None:
    mira = factories.customer(name="Mira Faber")
    card = factories.payment_method(customer_id=mira.id, fingerprint="fp_1", exp_month=4, exp_year=2031)
    other = factories.payment_method(customer_id=mira.id, last4="1111")
    own = factories.subscription(customer_id=mira.id, default_payment_method_id=card.id)
    elsewhere = factories.subscription(customer_id=mira.id, default_payment_method_id=other.id)
    ended = factories.subscription(customer_id=mira.id, default_payment_method_id=card.id, status="canceled")
    billed = factories.subscription(
        customer_id=mira.id, default_payment_method_id=card.id, collection_method="send_invoice"
    )
    allowed = factories.mandate(payment_method_id=card.id, reference="MNDT-9")

    page = staff(app, "support").get(f"{METHODS}{card.id}")

    for word in ("Visa •••• 4242", "04/2031", "Mira Faber", own.id, "Set on the subscription", "MNDT-9"):
        assert word in page.words, word
    for other_id in (elsewhere.id, ended.id, billed.id):
        assert other_id not in page.words
    assert {"/admin/customers/instruments/fp_1", f"/admin/mandates/{allowed.id}"} <= set(page.links)


def test_without_the_permission_nobody_is_offered_a_change(app: Flask) -> None:
    card = factories.payment_method(customer_id=factories.customer().id)

    page = staff(app, "view_only").get(f"{METHODS}{card.id}")

    assert "Detach" not in page.words
    assert "Set as default" not in page.words


def saved(shop: Shop, *cards: str, subscribed: bool = False) -> tuple[str, list[str]]:  # noqa: F811
    """A customer with these cards, the first of them the default, known here; their ids."""
    stripe = shop.sandbox.stripe()
    customer = stripe.v1.customers.create({"email": "jo@example.com"})
    ids = [stripe.v1.payment_methods.attach(card, {"customer": customer.id}).id for card in cards]
    stripe.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": ids[0]}})
    if subscribed:
        product = stripe.v1.products.create({"name": "Box"})
        price = stripe.v1.prices.create(
            {"product": product.id, "currency": "eur", "unit_amount": 900, "recurring": {"interval": "month"}}
        )
        stripe.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    shop.catch_up()
    return customer.id, ids


def form(**fields: str) -> dict[str, str]:
    return {"promise": str(uuid4()), "words": "The customer asked"} | fields


def asked(shop: Shop, path: str) -> list[dict[str, Any]]:  # noqa: F811
    return shop.sandbox.requests("POST", path)


def entries(method_id: str) -> list[tuple[str, str, str | None]]:
    db.session.rollback()
    found = select(AuditLog).where(AuditLog.object_id == method_id, AuditLog.object_type == "payment_method")
    return [(entry.action, entry.actor, entry.reason) for entry in db.session.scalars(found.order_by(AuditLog.id))]


def test_a_card_becomes_the_default_once_and_on_record(shop: Shop) -> None:  # noqa: F811
    customer_id, [_, second] = saved(shop, "pm_card_visa", "pm_card_mastercard")
    desk, sent, before = staff(shop.app, "support"), form(), len(asked(shop, f"/v1/customers/{customer_id}"))

    desk.post(f"{METHODS}{second}/default", sent)
    desk.post(f"{METHODS}{second}/default", sent)
    desk.post(f"{METHODS}{second}/default", form())

    assert len(asked(shop, f"/v1/customers/{customer_id}")) == before + 1
    assert shop.sandbox.stripe().v1.customers.retrieve(customer_id).invoice_settings.default_payment_method == second
    assert db.session.get_one(Customer, customer_id, populate_existing=True).default_payment_method_id == second
    assert entries(second) == [
        ("method.default.requested", desk.email, None),
        ("method.default.answered", "Stripe", None),
    ]
    assert "Default" in desk.get(f"{METHODS}{second}").words


def test_the_last_card_of_a_subscription_only_goes_when_that_is_meant(shop: Shop) -> None:  # noqa: F811
    customer_id, [card] = saved(shop, "pm_card_visa", subscribed=True)
    desk, path = staff(shop.app, "support"), f"/v1/payment_methods/{card}/detach"

    page = desk.get(f"{METHODS}{card}/detach")
    assert "It is all that a subscription has to pay with." in page.words
    assert "Write why it goes" in desk.post(f"{METHODS}{card}/detach", form(words=" "), expect=400).words
    refused = desk.post(f"{METHODS}{card}/detach", form(), expect=409)
    assert "A subscription has nothing else to pay with." in refused.words
    assert asked(shop, path) == []
    assert entries(card) == []

    sent = form(also_last="yes")
    desk.post(f"{METHODS}{card}/detach", sent)
    desk.post(f"{METHODS}{card}/detach", sent)

    assert len(asked(shop, path)) == 1
    assert db.session.get_one(PaymentMethod, card, populate_existing=True).customer_id is None
    assert [entry[:2] for entry in entries(card)] == [
        ("method.detach.requested", desk.email),
        ("method.detach.answered", "Stripe"),
    ]
    assert entries(card)[0][2] == "The customer asked"
    stop = db.session.scalars(select(DebitStop)).one()
    assert (stop.reason, stop.subject_id, stop.customer_id, stop.state) == (
        "method_detached",
        card,
        customer_id,
        "open",
    )


def test_a_card_that_another_one_stands_in_for_goes_without_a_tick(shop: Shop) -> None:  # noqa: F811
    customer_id, [first, second] = saved(shop, "pm_card_visa", "pm_card_mastercard", subscribed=True)
    subscription = db.session.scalars(select(Subscription)).one()
    shop.sandbox.stripe().v1.subscriptions.update(subscription.id, {"default_payment_method": second})
    shop.catch_up()
    desk = staff(shop.app, "support")

    assert "Charged to Visa" in desk.get(f"{METHODS}{second}/detach").words
    desk.post(f"{METHODS}{second}/detach", form())

    assert db.session.get_one(PaymentMethod, second, populate_existing=True).customer_id is None
    assert db.session.get_one(PaymentMethod, first, populate_existing=True).customer_id == customer_id
    desk.post(f"{METHODS}{second}/detach", form(), expect=409)


def test_of_two_who_detach_at_once_one_asks_stripe(shop: Shop) -> None:  # noqa: F811
    _, [_, second] = saved(shop, "pm_card_visa", "pm_card_mastercard")
    desks = [staff(shop.app, "support") for _ in range(3)]
    start, answers = threading.Barrier(len(desks)), []

    def click(desk: Any) -> None:
        start.wait()
        answers.append(desk.post(f"{METHODS}{second}/detach", form(), expect=None).status)

    threads = [threading.Thread(target=click, args=[desk]) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [303, 409, 409]
    assert len(asked(shop, f"/v1/payment_methods/{second}/detach")) == 1
