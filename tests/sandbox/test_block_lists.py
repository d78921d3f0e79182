"""The shop's block lists: what is on them is declined before the bank is asked, and pays again once it is off."""

from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import books, charge_of, events, pay, refused
from tests.sandbox.sdk_types import misfits

JO = "jo@example.com"


def blocked(client: stripe.StripeClient, alias: str, value: str) -> str:
    """Put it on the list that Stripe calls so; the id of the entry."""
    [found] = [one for one in client.v1.radar.value_lists.list().data if one.alias == alias]
    return client.v1.radar.value_list_items.create({"value_list": found.id, "value": value}).id


def test_the_lists_have_the_aliases_that_shops_know(sandbox: Sandbox) -> None:
    lists = sandbox.stripe().v1.radar.value_lists.list().data

    assert {(one.alias, one.item_type) for one in lists} == {
        ("card_fingerprint_blocklist", "card_fingerprint"),
        ("customer_id_blocklist", "customer_id"),
        ("email_blocklist", "email"),
    }


def test_a_card_on_the_list_is_declined_as_stripe_does_and_pays_again_when_it_is_off(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    paid = charge_of(pay(client))
    assert paid.payment_method_details is not None
    assert paid.payment_method_details.card is not None
    entry = blocked(client, "card_fingerprint_blocklist", str(paid.payment_method_details.card.fingerprint))
    before = books(sandbox)

    error = refused(pay, client)

    assert isinstance(error, stripe.CardError)
    assert error.error is not None
    assert (error.http_status, error.code, error.user_message) == (402, "card_declined", "Your card was declined.")
    assert error.error.decline_code == "merchant_blacklist"
    charge = client.v1.charges.retrieve(str(error.error.charge))
    assert (charge.status, charge.failure_code, charge.balance_transaction) == ("failed", "card_declined", None)
    assert charge.outcome is not None
    outcome = charge.outcome.to_dict()
    assert {name: outcome[name] for name in ("type", "reason", "network_status", "risk_level", "seller_message")} == {
        "type": "blocked",
        "reason": "merchant_blacklist",
        "network_status": "not_sent_to_network",
        "risk_level": "normal",
        "seller_message": "Stripe blocked this payment.",
    }
    assert list(misfits(sandbox.get(f"/v1/charges/{charge.id}"), stripe.Charge)) == []
    assert events(sandbox)[-3:] == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    assert books(sandbox) == before

    client.v1.radar.value_list_items.delete(entry)
    assert pay(client).status == "succeeded"
    assert pay(client, "pm_card_mastercard").status == "succeeded"


@pytest.mark.parametrize("where", ["receipt", "card", "customer"])
def test_an_address_is_found_wherever_the_payment_has_it_whatever_its_capitals(sandbox: Sandbox, where: str) -> None:
    client = sandbox.stripe()
    blocked(client, "email_blocklist", "Jo@Example.com")
    more: dict[str, Any] = {}
    method = "pm_card_visa"
    if where == "receipt":
        more["receipt_email"] = "JO@example.com"
    elif where == "card":
        made = client.v1.payment_methods.create(
            {"type": "card", "card": {"token": "tok_visa"}, "billing_details": {"email": JO}}
        )
        method = made.id
    else:
        more["customer"] = client.v1.customers.create({"email": JO}).id

    assert refused(pay, client, method, **more).code == "card_declined"
    assert pay(client, receipt_email="joan@example.com").status == "succeeded"


def test_the_first_address_counts_the_payment_s_before_the_customer_s(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    blocked(client, "email_blocklist", JO)
    customer = client.v1.customers.create({"email": JO}).id

    assert pay(client, customer=customer, receipt_email="office@example.com").status == "succeeded"


def test_a_customer_on_the_list_cannot_pay_with_any_card(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer, other = (client.v1.customers.create({}).id for _ in range(2))
    blocked(client, "customer_id_blocklist", customer)

    errors = [refused(pay, client, method, customer=customer) for method in ("pm_card_visa", "pm_card_mastercard")]

    assert [error.code for error in errors] == ["card_declined"] * 2
    assert pay(client, customer=other).status == "succeeded"


def test_what_is_listed_is_not_sent_to_a_bank_that_would_have_said_something_else(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({}).id
    blocked(client, "customer_id_blocklist", customer)

    error = refused(pay, client, "pm_card_visa_chargeDeclinedInsufficientFunds", customer=customer)

    assert error.error is not None
    assert error.error.decline_code == "merchant_blacklist"


def test_a_value_is_on_a_list_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    blocked(client, "email_blocklist", JO)

    assert refused(blocked, client, "email_blocklist", "JO@example.com").http_status == 400
    assert len(sandbox.objects("radar.value_list_item")) == 1
