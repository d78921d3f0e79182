"""SEPA debits and the mandates they stand on."""

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import MANDATE, RETURN_URL, balance, books, debit, events, refused


def test_a_debit_is_processing_until_the_bank_pays(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    intent = debit(client, "AT611904300234573201")

    assert intent.status == "processing"
    charge = client.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.status, charge.paid, charge.id[:3], charge.balance_transaction) == ("pending", False, "py_", None)
    assert books(sandbox) == {}
    sandbox.advance(30)
    paid = client.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]})
    assert isinstance(paid.balance_transaction, stripe.BalanceTransaction)
    assert (paid.balance_transaction.fee, paid.balance_transaction.type) == (35, "payment")
    assert (paid.status, client.v1.payment_intents.retrieve(intent.id).status) == ("succeeded", "succeeded")
    assert balance(client) == books(sandbox) == {"eur": (0, 4_965)}
    assert events(sandbox) == [
        "payment_intent.created", "charge.pending", "payment_intent.processing", "charge.succeeded",
        "payment_intent.succeeded",
    ]  # fmt: skip


def test_a_slow_bank_takes_three_minutes(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = debit(client, "AT321904300235473204")

    sandbox.advance(120)
    assert client.v1.payment_intents.retrieve(intent.id).status == "processing"
    sandbox.advance(60)

    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize(
    ("iban", "reason"),
    [("AT861904300235473202", "generic_could_not_process"), ("AT981904300002222227", "insufficient_funds")],
)
def test_a_debit_fails_days_later(sandbox: Sandbox, iban: str, reason: str) -> None:
    client = sandbox.stripe()
    intent = debit(client, iban)

    sandbox.advance(30)

    failed = client.v1.payment_intents.retrieve(intent.id)
    assert (failed.status, failed.payment_method) == ("requires_payment_method", None)
    assert failed.last_payment_error is not None
    assert failed.last_payment_error.decline_code == reason
    assert client.v1.charges.retrieve(str(failed.latest_charge)).failure_code == reason
    assert books(sandbox) == {}
    assert events(sandbox, after=3) == ["charge.failed", "payment_intent.payment_failed"]


def test_a_debit_carries_its_mandate(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = debit(client, "DE89370400440532013000")

    details = client.v1.charges.retrieve(str(intent.latest_charge)).payment_method_details
    assert details is not None
    assert details.sepa_debit is not None
    mandate = client.v1.mandates.retrieve(str(details.sepa_debit.mandate))

    assert (mandate.status, mandate.type, mandate.payment_method) == ("active", "single_use", intent.payment_method)
    assert mandate.single_use is not None
    assert (mandate.single_use.amount, mandate.single_use.currency) == (5_000, "eur")
    assert mandate.customer_acceptance.online is not None
    assert mandate.customer_acceptance.online.ip_address == "203.0.113.7"
    assert details.sepa_debit.country == "DE"


def test_no_debit_without_a_mandate(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    error = refused(debit, client, "AT611904300234573201", mandate_data="")

    assert (error.http_status, error.param) == (400, "mandate_data")
    assert sandbox.objects("charge") == sandbox.objects("mandate") == sandbox.objects("event") == []


def test_a_mandate_given_once_serves_again_until_the_account_goes(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({})
    account = client.v1.payment_methods.create(
        {
            "type": "sepa_debit",
            "sepa_debit": {"iban": "AT611904300234573201"},
            "billing_details": {"name": "Jenny Rosen", "email": "jenny@example.com"},
        }
    )
    setup = client.v1.setup_intents.create(
        {
            "confirm": True,
            "customer": customer.id,
            "payment_method": account.id,
            "allowed_payment_method_types": ["sepa_debit"],
            "mandate_data": MANDATE,
            "return_url": RETURN_URL,
        }
    )
    assert setup.status == "succeeded"

    again = client.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": account.id,
            "allowed_payment_method_types": ["sepa_debit"],
            "return_url": RETURN_URL,
            "off_session": True,
            "confirm": True,
        }
    )
    client.v1.payment_methods.detach(account.id)

    assert again.status == "processing"
    mandate = client.v1.mandates.retrieve(str(setup.mandate))
    assert (mandate.type, mandate.status) == ("multi_use", "inactive")
    assert events(sandbox)[-2:] == ["payment_method.detached", "mandate.updated"]


@pytest.mark.parametrize(
    ("iban", "billing", "code"),
    [
        ("AT271904300000055555", {"name": "J", "email": "j@example.com"}, "sepa_debit_bank_not_supported"),
        ("DE00000000000000000000", {"name": "J", "email": "j@example.com"}, "invalid_bank_account_iban"),
        ("AT611904300234573201", {"name": "J"}, "parameter_missing"),
        ("CH9300762011623852957", {"name": "J", "email": "j@example.com"}, "parameter_missing"),
    ],
)
def test_an_account_that_cannot_be_debited_is_refused(
    sandbox: Sandbox, iban: str, billing: dict[str, str], code: str
) -> None:
    client = sandbox.stripe()

    error = refused(
        client.v1.payment_methods.create,
        {"type": "sepa_debit", "sepa_debit": {"iban": iban}, "billing_details": billing},
    )

    assert error.code == code
    assert sandbox.objects("payment_method") == []
