"""The billing portal over the API: how it is set up, and the doors to it."""

from typing import Any

import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import events, refused
from tests.sandbox.sdk_types import misfits

PORTAL = stripe.billing_portal


def test_a_door_needs_no_setting_up(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"email": "ana@example.com"}).id

    first = client.v1.billing_portal.sessions.create({"customer": customer, "return_url": "https://shop.example/"})
    second = client.v1.billing_portal.sessions.create({"customer": customer})

    assert first.url == f"{sandbox.url}/p/session/{first.id}"
    assert first.configuration == second.configuration
    (configuration,) = client.v1.billing_portal.configurations.list({"is_default": True}).data
    assert configuration.features.subscription_cancel.mode == "at_period_end"
    assert events(sandbox).count("billing_portal.session.created") == 2


def test_what_is_switched_off_cannot_be_done(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"email": "ana@example.com", "name": "Ana"}).id
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    narrow = client.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    door = client.v1.billing_portal.sessions.create({"customer": customer, "configuration": narrow.id})

    for form in ({"act": "remove", "method": method}, {"act": "details", "name": "Eve"}, {"act": "cancel"}):
        answer = sandbox.http.post(door.url, data=form, allow_redirects=False, timeout=10)
        assert (answer.status_code, "does not allow this" in answer.text) == (200, True)

    assert client.v1.customers.retrieve(customer).name == "Ana"
    assert len(client.v1.payment_methods.list({"customer": customer}).data) == 1


def test_nobody_reaches_through_to_somebody_else(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana, eve = (client.v1.customers.create({}).id for _ in range(2))
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": ana}).id
    door = client.v1.billing_portal.sessions.create({"customer": eve})

    answer = sandbox.http.post(door.url, data={"act": "remove", "method": method}, allow_redirects=False, timeout=10)

    assert "not a payment method of yours" in answer.text
    assert client.v1.payment_methods.retrieve(method).customer == ana


def test_a_price_is_changed_for_one_of_those_offered(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"email": "ana@example.com"}).id
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    product = client.v1.products.create({"name": "Tea club"}).id
    small, large, secret = (
        client.v1.prices.create(
            {"product": product, "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"}}
        ).id
        for amount in (900, 1_900, 1)
    )
    subscription = client.v1.subscriptions.create(
        {"customer": customer, "items": [{"price": small}], "default_payment_method": method}
    ).id
    features: Any = {
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": [{"product": product, "prices": [small, large]}],
        }
    }
    configuration = client.v1.billing_portal.configurations.create({"features": features}).id
    door = client.v1.billing_portal.sessions.create({"customer": customer, "configuration": configuration})

    wish = {"act": "switch", "subscription": subscription}
    wrong = sandbox.http.post(door.url, data=wish | {"price": secret}, allow_redirects=False, timeout=10)
    right = sandbox.http.post(door.url, data=wish | {"price": large}, allow_redirects=False, timeout=10)

    assert (wrong.status_code, right.status_code) == (200, 303)
    assert client.v1.subscriptions.retrieve(subscription)["items"].data[0].price.id == large


def test_a_door_for_one_thing_leads_back_after_it(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"email": "ana@example.com"}).id
    flow: Any = {
        "type": "payment_method_update",
        "after_completion": {"type": "redirect", "redirect": {"return_url": "https://shop.example/done"}},
    }
    door = client.v1.billing_portal.sessions.create({"customer": customer, "flow_data": flow})
    form = {
        "act": "add", "way": "card", "number": "4242424242424242", "expiry": "12/40", "cvc": "123", "name": "Ana",
    }  # fmt: skip

    page = sandbox.http.get(door.url, timeout=10).text
    answer = sandbox.http.post(door.url, data=form, allow_redirects=False, timeout=10)

    assert ("Add a payment method" in page, "Subscriptions" in page) == (True, False)
    assert answer.headers["Location"] == "https://shop.example/done"
    (saved,) = client.v1.payment_methods.list({"customer": customer}).data
    found = client.v1.customers.retrieve(customer).invoice_settings
    assert found is not None
    assert found.default_payment_method == saved.id


def test_doors_that_lead_nowhere_are_refused(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({}).id

    nobody = refused(client.v1.billing_portal.sessions.create, {"customer": "cus_none"})
    program = refused(client.v1.billing_portal.sessions.create, {"customer": customer, "return_url": "javascript:1"})
    nothing = refused(
        client.v1.billing_portal.sessions.create,
        {
            "customer": customer,
            "flow_data": {"type": "subscription_cancel", "subscription_cancel": {"subscription": "x"}},
        },
    )

    assert (nobody.code, program.code, nothing.http_status) == ("resource_missing", "url_invalid", 400)
    assert sandbox.objects("billing_portal.session") == []


def test_portal_objects_fit_the_types_of_the_sdk(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({}).id
    client.v1.billing_portal.sessions.create({"customer": customer, "flow_data": {"type": "payment_method_update"}})
    made = client.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    client.v1.billing_portal.configurations.update(made.id, {"name": "Small", "metadata": {"a": "b"}, "active": False})
    kinds: dict[str, Any] = {
        "billing_portal.configuration": PORTAL.Configuration,
        "billing_portal.session": PORTAL.Session,
    }

    assert {line for kind, cls in kinds.items() for one in sandbox.objects(kind) for line in misfits(one, cls)} == set()
    assert events(sandbox)[-1] == "billing_portal.configuration.updated"
