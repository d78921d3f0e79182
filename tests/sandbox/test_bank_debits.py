"""ACH and Bacs debits: accounts, verification, mandates that begin, fail and end."""

from typing import Any

import pytest
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import MANDATE, RETURN_URL, balance, books, events, refused
from tests.sandbox.sdk_types import misfits

JENNY: Any = {"name": "Jenny Rosen", "email": "jenny@example.com"}


def bacs(client: stripe.StripeClient, number: str = "00012345") -> str:
    account: Any = {"sort_code": "108800", "account_number": number}
    return client.v1.payment_methods.create({"type": "bacs_debit", "bacs_debit": account, "billing_details": JENNY}).id


def ach(client: stripe.StripeClient, number: str = "000123456789") -> str:
    account: Any = {"routing_number": "110000000", "account_number": number, "account_holder_type": "individual"}
    return client.v1.payment_methods.create(
        {"type": "us_bank_account", "us_bank_account": account, "billing_details": JENNY}
    ).id


def draw(client: stripe.StripeClient, method: str, currency: str = "usd", **more: Any) -> stripe.PaymentIntent:
    kind = "bacs_debit" if currency == "gbp" else "us_bank_account"
    params: Any = {
        "amount": 5_000,
        "currency": currency,
        "payment_method": method,
        "confirm": True,
        "allowed_payment_method_types": [kind],
        "return_url": RETURN_URL,
        "mandate_data": MANDATE,
        "expand": ["latest_charge"],
        **more,
    }
    return client.v1.payment_intents.create(params)


def mandate_of(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.Mandate:
    charge = client.v1.charges.retrieve(str(getattr(intent.latest_charge, "id", intent.latest_charge)))
    details: Any = charge.payment_method_details
    return client.v1.mandates.retrieve(str(getattr(details, details.type).mandate))


def test_a_verified_american_account_pays_some_seconds_later(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    intent = draw(client, "pm_usBankAccount_success")

    assert intent.status == "processing"
    sandbox.advance(30)
    paid = client.v1.charges.retrieve(intent.latest_charge.id, {"expand": ["balance_transaction"]})  # type: ignore[union-attr]
    assert isinstance(paid.balance_transaction, stripe.BalanceTransaction)
    assert (paid.status, paid.balance_transaction.fee) == ("succeeded", 40)
    assert mandate_of(client, intent).status == "active"
    assert balance(client) == books(sandbox) == {"usd": (0, 4_960)}


@pytest.mark.parametrize(
    ("alias", "reason", "mandate"),
    [
        ("accountClosed", "account_closed", "inactive"),
        ("noAccount", "no_account", "inactive"),
        ("insufficientFunds", "insufficient_funds", "active"),
        ("debitNotAuthorized", "debit_not_authorized", "inactive"),
        ("weeklyLimitExceeded", "charge_exceeds_weekly_limit", "active"),
    ],
)
def test_an_american_bank_says_no_late(sandbox: Sandbox, alias: str, reason: str, mandate: str) -> None:
    client = sandbox.stripe()
    intent = draw(client, f"pm_usBankAccount_{alias}")

    sandbox.advance(30)

    failed = client.v1.payment_intents.retrieve(intent.id)
    assert failed.last_payment_error is not None
    assert (failed.status, failed.last_payment_error.decline_code) == ("requires_payment_method", reason)
    assert client.v1.charges.retrieve(str(failed.latest_charge)).failure_code == reason
    assert mandate_of(client, failed).status == mandate
    assert ("mandate.updated" in events(sandbox)) is (mandate == "inactive")
    assert books(sandbox) == {}


def test_an_account_typed_in_must_be_verified_first(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = draw(client, ach(client))
    assert intent.next_action is not None
    asked = intent.next_action.verify_with_microdeposits
    assert asked is not None
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert asked.hosted_verification_url == f"{sandbox.url}/verify/{intent.id}"

    wrong = refused(client.v1.payment_intents.verify_microdeposits, intent.id, {"descriptor_code": "SMXXXX"})
    right = client.v1.payment_intents.verify_microdeposits(intent.id, {"amounts": [32, 45]})
    sandbox.advance(30)

    assert wrong.code == "payment_method_microdeposit_verification_descriptor_code_mismatch"
    assert right.status == "processing"
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert mandate_of(client, client.v1.payment_intents.retrieve(intent.id)).status == "active"
    assert events(sandbox) == [
        "payment_intent.created", "payment_intent.requires_action", "charge.pending", "payment_intent.processing",
        "charge.succeeded", "payment_intent.succeeded",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"descriptor_code": "SM33CC"}, "payment_method_microdeposit_verification_attempts_exceeded"),
        ({"amounts": [40, 41]}, "payment_method_microdeposit_verification_timeout"),
        (None, "payment_method_microdeposit_verification_timeout"),
    ],
)
def test_who_cannot_verify_needs_another_account(sandbox: Sandbox, answer: Any, code: str) -> None:
    client = sandbox.stripe()
    intent = draw(client, ach(client))

    if answer:
        client.v1.payment_intents.verify_microdeposits(intent.id, answer)
    else:
        sandbox.advance(11 * 86_400)

    failed = client.v1.payment_intents.retrieve(intent.id)
    assert failed.last_payment_error is not None
    assert (failed.status, failed.last_payment_error.code) == ("requires_payment_method", code)
    assert sandbox.objects("charge") == []


def test_an_account_is_verified_once_when_it_is_saved(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({}).id
    setup = client.v1.setup_intents.create(
        {
            "confirm": True,
            "customer": customer,
            "payment_method": ach(client),
            "allowed_payment_method_types": ["us_bank_account"],
            "mandate_data": MANDATE,
            "return_url": RETURN_URL,
        }
    )
    assert setup.status == "requires_action"

    done = client.v1.setup_intents.verify_microdeposits(setup.id, {"descriptor_code": "SM11AA"})
    later = draw(client, str(done.payment_method), customer=customer, mandate_data="", off_session=True)

    assert (done.status, later.status) == ("succeeded", "processing")
    assert client.v1.mandates.retrieve(str(done.mandate)).type == "multi_use"


def test_a_british_mandate_is_read_by_the_network(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    intent = draw(client, bacs(client), "gbp")

    fresh = mandate_of(client, intent)
    assert fresh.payment_method_details.bacs_debit is not None
    assert (fresh.status, fresh.payment_method_details.bacs_debit.network_status) == ("pending", "pending")
    sandbox.advance(12)
    read = mandate_of(client, intent)
    assert read.payment_method_details.bacs_debit is not None
    assert (read.status, read.payment_method_details.bacs_debit.network_status) == ("active", "accepted")
    sandbox.advance(20)
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert events(sandbox) == [
        "payment_intent.created", "charge.pending", "payment_intent.processing", "mandate.updated", "charge.succeeded",
        "payment_intent.succeeded",
    ]  # fmt: skip
    assert balance(client) == books(sandbox) == {"gbp": (0, 4_950)}


@pytest.mark.parametrize(
    ("number", "network", "reason"),
    [("00033333", "refused", None), ("33333335", "revoked", "debit_not_authorized")],
)
def test_a_british_mandate_ends_with_the_debit_it_was_for(
    sandbox: Sandbox, number: str, network: str, reason: str | None
) -> None:
    client = sandbox.stripe()
    intent = draw(client, bacs(client, number), "gbp")

    sandbox.advance(30)

    mandate = mandate_of(client, client.v1.payment_intents.retrieve(intent.id))
    written = mandate.payment_method_details.bacs_debit
    assert written is not None
    assert (mandate.status, written.network_status, written.revocation_reason) == ("inactive", network, reason)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_nothing_can_be_drawn_on_a_revoked_mandate(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    customer = client.v1.customers.create({}).id
    first = draw(client, bacs(client), "gbp", customer=customer, setup_future_usage="off_session")
    sandbox.advance(30)
    mandate = mandate_of(client, first)
    before = len(events(sandbox))

    sandbox.control("POST", "money/revoke_mandate", {"mandate": mandate.id, "reason": "account_closed"})

    again = {"customer": customer, "mandate_data": "", "off_session": True}
    method = str(mandate.payment_method)
    unnamed = refused(draw, client, method, "gbp", **again)
    named = refused(draw, client, method, "gbp", **again, mandate=mandate.id)
    assert unnamed.code == named.code == "payment_intent_mandate_invalid"
    assert events(sandbox, after=before) == ["mandate.updated"]
    assert len(sandbox.objects("charge")) == 1
    ended = client.v1.mandates.retrieve(mandate.id)
    assert ended.payment_method_details.bacs_debit is not None
    assert ended.payment_method_details.bacs_debit.revocation_reason == "account_closed"


@pytest.mark.parametrize(("currency", "method"), [("usd", "pm_usBankAccount_dispute"), ("gbp", "55555559")])
def test_a_disputed_debit_cannot_be_answered(sandbox: Sandbox, currency: str, method: str) -> None:
    client = sandbox.stripe()
    intent = draw(client, method if currency == "usd" else bacs(client, method), currency)

    sandbox.advance(200)

    dispute = client.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.status, dispute.reason, dispute.evidence_details.due_by) == ("lost", "debit_not_authorized", 0)
    assert (
        refused(client.v1.disputes.update, dispute.id, {"evidence": {"product_description": "Tea"}}).http_status == 400
    )
    assert balance(client) == books(sandbox)


@pytest.mark.parametrize(
    ("kind", "account", "code"),
    [
        (
            "us_bank_account",
            {"routing_number": "110000001", "account_number": "000123456789"},
            "routing_number_invalid",
        ),
        ("us_bank_account", {"routing_number": "110000000"}, "parameter_missing"),
        ("bacs_debit", {"sort_code": "108800", "account_number": "00044444"}, "account_number_invalid"),
        ("bacs_debit", {"sort_code": "1088", "account_number": "00012345"}, "account_number_invalid"),
    ],
)
def test_an_account_that_cannot_be_is_refused(sandbox: Sandbox, kind: Any, account: Any, code: str) -> None:
    client = sandbox.stripe()

    error = refused(client.v1.payment_methods.create, {"type": kind, kind: account, "billing_details": JENNY})

    assert error.code == code
    assert sandbox.objects("payment_method") == []


def test_debits_fit_the_types_of_the_sdk(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    draw(client, ach(client))
    draw(client, "pm_usBankAccount_dispute")
    draw(client, bacs(client, "33333335"), "gbp")
    sandbox.advance(30)
    kinds: dict[str, Any] = {
        "payment_method": stripe.PaymentMethod,
        "payment_intent": stripe.PaymentIntent,
        "charge": stripe.Charge,
        "mandate": stripe.Mandate,
        "dispute": stripe.Dispute,
    }

    wrong = {line for kind, cls in kinds.items() for one in sandbox.objects(kind) for line in misfits(one, cls)}

    assert wrong == set()
