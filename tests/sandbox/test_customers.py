"""Customers and what they pay with."""

from typing import Any

import pytest
import stripe

from app.sandbox.resources.card_table import ALIASES, NUMBERS
from app.sandbox.resources.cards import passes_luhn
from tests.sandbox.client import Sandbox
from tests.sandbox.money import all_events, events, pay, refused


def test_a_customer_lives_and_changes_and_goes(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    made = client.v1.customers.create(
        {"email": "ana@example.com", "name": "Ana", "metadata": {"a": "1", "b": "2"}, "address": {"city": "Porto"}}
    )

    changed = client.v1.customers.update(made.id, {"metadata": {"a": "", "c": "3"}, "name": "Ana B", "phone": "+351"})
    gone = client.v1.customers.delete(made.id)
    found = client.v1.customers.retrieve(made.id)

    assert made.id.startswith("cus_")
    assert made.address is not None
    assert made.address.to_dict() == {
        "city": "Porto", "country": None, "line1": None, "line2": None, "postal_code": None, "state": None,
    }  # fmt: skip
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    assert (changed.name, changed.phone, changed.email) == ("Ana B", "+351", "ana@example.com")
    assert gone.to_dict() == found.to_dict() == {"id": made.id, "object": "customer", "deleted": True}
    assert client.v1.customers.list().data == []
    history = all_events(sandbox)
    assert [event["type"] for event in history] == ["customer.created", "customer.updated", "customer.deleted"]
    assert history[1]["data"]["previous_attributes"] == {
        "metadata": {"a": "1", "b": "2"},
        "name": "Ana",
        "phone": None,
    }


def test_a_deleted_customer_cannot_be_changed_or_charged(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({})
    client.v1.customers.delete(customer.id)

    again = refused(client.v1.customers.update, customer.id, {"name": "x"})
    charged = refused(pay, client, customer=customer.id)

    assert (again.http_status, again.code) == (404, "resource_missing")
    assert (charged.http_status, charged.code) == (400, "resource_missing")
    assert charged.user_message == f"No such customer: '{customer.id}'"
    assert events(sandbox) == ["customer.created", "customer.deleted"]


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"tax_exempt": "maybe"}, None, "tax_exempt"),
        ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
    ],
)
def test_nonsense_makes_no_customer(sandbox: Sandbox, params: dict[str, object], code: str | None, param: str) -> None:
    response = sandbox.call("POST", "/v1/customers", _form(params))

    assert response.status_code == 400
    assert response.json()["error"].get("code") == code
    assert response.json()["error"]["param"] == param
    assert sandbox.objects("customer") == sandbox.objects("event") == []


def test_the_alias_of_a_card_is_a_fresh_card_every_time(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create(
        {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    )

    second = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})

    methods = client.v1.customers.payment_methods.list(customer.id).data
    assert len(methods) == 2
    assert len({method.id for method in methods}) == 2
    assert len({method.card.fingerprint for method in methods if method.card}) == 1
    assert customer.invoice_settings is not None
    assert customer.invoice_settings.default_payment_method == methods[1].id
    assert methods[0].id == second.id
    assert events(sandbox) == ["customer.created", "payment_method.attached", "payment_method.attached"]


def test_a_detached_method_is_gone_for_good(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    method = client.v1.payment_methods.list({"customer": customer.id}).data[0]
    client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})

    let_go = client.v1.payment_methods.detach(method.id)

    assert let_go.customer is None
    after = client.v1.customers.retrieve(customer.id)
    assert after.invoice_settings is not None
    assert after.invoice_settings.default_payment_method is None
    again = refused(client.v1.payment_methods.attach, method.id, {"customer": customer.id})
    assert "may not be used again" in str(again.user_message)
    paid = refused(pay, client, method.id)
    assert "may not be used again" in str(paid.user_message)
    assert client.v1.charges.list().data == []


def test_a_guest_card_pays_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    pay(client, method.id)

    again = refused(pay, client, method.id)

    assert "may not be used again" in str(again.user_message)
    assert len(client.v1.charges.list().data) == 1


def test_nobody_pays_with_another_customers_card(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = client.v1.customers.create({"payment_method": "pm_card_visa"})
    ben = client.v1.customers.create({})
    method = client.v1.payment_methods.list({"customer": ana.id}).data[0].id

    guest = refused(pay, client, method)
    other = refused(pay, client, method, customer=ben.id)

    assert "you must provide the customer" in str(guest.user_message)
    assert "does not have a payment method with the ID" in str(other.user_message)
    assert pay(client, method, customer=ana.id).status == "succeeded"


@pytest.mark.parametrize(
    ("card", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "4242"}, "incorrect_number", "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2020}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "12"}, "invalid_cvc", "cvc"),
    ],
)
def test_a_mistyped_card_makes_no_method(sandbox: Sandbox, card: dict[str, object], code: str, param: str) -> None:
    client = sandbox.stripe()
    plain = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}

    error = refused(client.v1.payment_methods.create, {"type": "card", "card": plain | card})

    assert isinstance(error, stripe.CardError)
    assert (error.code, error.param) == (code, param)
    assert sandbox.objects("payment_method") == []


def test_a_real_card_number_is_declined_in_test_mode(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    card: Any = {"number": "4111111111111111", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    method = client.v1.payment_methods.create({"type": "card", "card": card})

    error = refused(pay, client, method.id)

    assert isinstance(error, stripe.CardError)
    assert error.error is not None
    assert error.error.decline_code == "test_mode_live_card"


def test_a_token_opens_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    card: Any = {"number": "5555555555554444", "exp_month": "12", "exp_year": "40", "cvc": "123"}
    token = client.v1.tokens.create({"card": card})
    first = client.v1.payment_methods.create({"type": "card", "card": {"token": token.id}})

    second = refused(client.v1.payment_methods.create, {"type": "card", "card": {"token": token.id}})

    assert first.card is not None
    assert (first.card.brand, first.card.last4, first.card.exp_year) == ("mastercard", "4444", 2040)
    assert second.code == "token_already_used"
    assert client.v1.tokens.retrieve(token.id).used is True


def test_a_deleted_customer_loses_the_saved_cards(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({"payment_method": "pm_card_visa"})
    method = client.v1.payment_methods.list({"customer": customer.id}).data[0].id

    client.v1.customers.delete(customer.id)

    assert client.v1.payment_methods.retrieve(method).customer is None
    assert events(sandbox, after=2) == ["payment_method.detached", "customer.deleted"]


def test_every_test_card_has_a_valid_number() -> None:
    assert [number for number in NUMBERS if not passes_luhn(number)] == []
    assert len(NUMBERS) == len({card.fingerprint for card in NUMBERS.values()})
    assert ALIASES["visa"].number == "4242424242424242"


def _form(params: dict[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in params.items():
        key = f"{prefix}[{name}]" if prefix else name
        flat.update(_form(value, key) if isinstance(value, dict) else {key: str(value)})
    return flat
