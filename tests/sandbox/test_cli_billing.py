"""Stripe's own command line and what is billed: every event of this family that it can trigger happens."""

import json

import pytest

from tests.sandbox.client import KEY, Sandbox
from tests.sandbox.conftest import Cli, Mailbox

EVENTS = (
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

MADE_BY = {
    "subscription.payment_succeeded": "invoice.payment_succeeded",
    "subscription.payment_failed": "invoice.payment_failed",
}
"""Triggers that are called otherwise than the event they make."""

FAMILIES = (
    "product.", "price.", "plan.", "promotion_code.", "tax_rate.", "invoiceitem.", "invoice.", "customer.subscription.",
    "subscription.", "test_helpers.", "credit_note.",
)  # fmt: skip


@pytest.mark.parametrize("event", [*EVENTS, *MADE_BY])
def test_every_billing_event_of_the_cli_happens_and_is_delivered(
    cli: Cli, sandbox: Sandbox, mailbox: Mailbox, event: str
) -> None:
    sandbox.endpoint(mailbox.url, "whsec_cli")

    ran = cli("trigger", event, "--api-base", sandbox.url, "--api-key", KEY)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Trigger succeeded!" in ran.stdout
    wanted = MADE_BY.get(event, event)
    sandbox.wait_for(lambda: wanted in [found["type"] for found in sandbox.objects("event")])
    sandbox.wait_until_delivered()
    kept = [found["type"] for found in sandbox.objects("event")]
    assert sorted(json.loads(body)["type"] for body in mailbox.bodies) == sorted(kept)


def test_every_billing_event_the_cli_lists_is_tried_here(cli: Cli) -> None:
    shown = cli("trigger", "--help").stdout

    known = {word for word in shown.split() if "." in word}
    assert {name for name in known if name.startswith(FAMILIES)} - {*EVENTS, *MADE_BY} == set()
