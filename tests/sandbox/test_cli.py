"""Stripe's own command line against the sandbox: every money event it can trigger happens and is delivered."""

import json

import pytest

from tests.sandbox.client import KEY, Sandbox
from tests.sandbox.conftest import Cli, Mailbox

EVENTS = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.source.created",
    "customer.source.updated",
    "customer.discount.created",
    "customer.discount.updated",
    "customer.discount.deleted",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payment_intent.created",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "payment_intent.processing",
    "payment_intent.amount_capturable_updated",
    "payment_intent.partially_funded",
    "charge.succeeded",
    "charge.failed",
    "charge.captured",
    "charge.refunded",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "setup_intent.created",
    "setup_intent.succeeded",
    "setup_intent.setup_failed",
    "setup_intent.canceled",
    "setup_intent.requires_action",
    "payout.created",
    "payout.updated",
    "balance.available",
    "coupon.created",
    "coupon.updated",
    "coupon.deleted",
    "cash_balance.funds_available",
    "customer_cash_balance_transaction.created",
)


@pytest.mark.parametrize("event", EVENTS)
def test_every_money_event_of_the_cli_happens_and_is_delivered(
    cli: Cli, sandbox: Sandbox, mailbox: Mailbox, event: str
) -> None:
    sandbox.endpoint(mailbox.url, "whsec_cli")

    ran = cli("trigger", event, "--api-base", sandbox.url, "--api-key", KEY)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Trigger succeeded!" in ran.stdout
    kept = [found["type"] for found in sandbox.objects("event")]
    assert event in kept
    sandbox.wait_until_delivered()
    assert sorted(json.loads(body)["type"] for body in mailbox.bodies) == sorted(kept)


def test_every_money_event_the_cli_lists_is_tried_here(cli: Cli) -> None:
    """A newer CLI may know more: then this list must grow."""
    shown = cli("trigger", "--help").stdout

    known = {word for word in shown.split() if "." in word}
    families = ("customer.", "payment_method.", "payment_intent.", "charge.", "setup_intent.", "payout.", "balance.")
    wanted = {name for name in known if name.startswith(families) and not name.startswith("customer.subscription.")}
    assert wanted - set(EVENTS) == set()
