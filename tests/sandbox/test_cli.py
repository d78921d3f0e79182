"""Stripe's own command line against the sandbox: whatever it can trigger happens and is delivered."""

import json
import re

import pytest

from tests.sandbox.client import KEY, Sandbox
from tests.sandbox.conftest import Cli, Mailbox

MONEY = (
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

BILLING = (
    "product.created",
    "product.updated",
    "product.deleted",
    "price.created",
    "price.updated",
    "plan.created",
    "plan.updated",
    "plan.deleted",
    "promotion_code.created",
    "promotion_code.updated",
    "tax_rate.created",
    "tax_rate.updated",
    "invoiceitem.created",
    "invoiceitem.deleted",
    "invoice.created",
    "invoice.updated",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.sent",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.trial_will_end",
    "test_helpers.test_clock.created",
    "test_helpers.test_clock.advancing",
    "test_helpers.test_clock.ready",
    "test_helpers.test_clock.deleted",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
)

CHECKOUT = (
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "payment_link.created",
    "payment_link.updated",
)

TRIGGERS = (*MONEY, *BILLING, *CHECKOUT)
"""83 and the two below. Of them 60 (58 and the two) are of customers, payments, charges, disputes, set-up, Checkout, invoices,
subscriptions, payouts and test clocks."""

MADE_BY = {
    "subscription.payment_succeeded": "invoice.payment_succeeded",
    "subscription.payment_failed": "invoice.payment_failed",
}
"""Triggers that are called otherwise than the event they make."""

OUTSIDE = (
    "quote.",
    "subscription_schedule.",
    "account.",
    "capability.",
    "person.",
    "application",
    "issuing_",
    "reporting.",
    "terminal.",
    "topup.",
    "transfer.",
    "treasury.",
    "identity.",
    "v1.",
    "v2.",
    "billing_portal.",
    "radar.",
    "review.",
)
"""Families of what the sandbox does not offer."""


@pytest.mark.parametrize("trigger", [*TRIGGERS, *MADE_BY])
def test_what_the_cli_triggers_happens_and_is_delivered(
    cli: Cli, sandbox: Sandbox, mailbox: Mailbox, trigger: str
) -> None:
    sandbox.endpoint(mailbox.url, "whsec_cli")

    ran = cli("trigger", trigger, "--api-base", sandbox.url, "--api-key", KEY)
    sandbox.advance(60)  # a debit's bank answers

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Trigger succeeded!" in ran.stdout
    wanted = MADE_BY.get(trigger, trigger)
    sandbox.wait_for(lambda: wanted in types(sandbox))  # a test clock takes its time
    sandbox.wait_until_delivered()
    assert sorted(json.loads(body)["type"] for body in mailbox.bodies) == sorted(types(sandbox))


def test_whatever_the_cli_lists_is_tried_here(cli: Cli) -> None:
    """A newer CLI may know more: then this list must grow."""
    shown = cli("trigger", "--help").stdout

    known = {word for word in shown.split() if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", word)}
    assert {name for name in known if not name.startswith(OUTSIDE)} == {*TRIGGERS, *MADE_BY}


def types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in sandbox.objects("event")]
