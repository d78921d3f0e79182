"""Stripe's own command line at a Checkout page: every event of this family that it can trigger happens."""

import json

import pytest

from tests.sandbox.client import KEY, Sandbox
from tests.sandbox.conftest import Cli, Mailbox

EVENTS = (
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "payment_link.created",
    "payment_link.updated",
)


@pytest.mark.parametrize("event", EVENTS)
def test_every_checkout_event_of_the_cli_happens_and_is_delivered(
    cli: Cli, sandbox: Sandbox, mailbox: Mailbox, event: str
) -> None:
    sandbox.endpoint(mailbox.url, "whsec_cli")

    ran = cli("trigger", event, "--api-base", sandbox.url, "--api-key", KEY)
    sandbox.advance(60)  # the bank's answer

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Trigger succeeded!" in ran.stdout
    kept = [found["type"] for found in sandbox.objects("event")]
    assert event in kept
    sandbox.wait_until_delivered()
    assert sorted(json.loads(body)["type"] for body in mailbox.bodies) == sorted(kept)


def test_every_checkout_event_the_cli_lists_is_tried_here(cli: Cli) -> None:
    shown = cli("trigger", "--help").stdout

    known = {word for word in shown.split() if word.startswith(("checkout.", "payment_link."))}
    assert known == set(EVENTS)
