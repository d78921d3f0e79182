"""Events on their way to us."""

import json
import threading
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.client import KEY, Json, Sandbox
from tests.sandbox.conftest import Mailbox

SECRET = "whsec_of_the_tests"


def announce(sandbox: Sandbox, *numbers: int, kind: str = "charge.updated") -> None:
    for number in numbers:
        sandbox.put({"id": f"ch_{number}", "object": "charge", "created": number}, event=kind)


def received(mailbox: Mailbox) -> list[Json]:
    return [json.loads(body) for body in mailbox.bodies]


def subjects(mailbox: Mailbox) -> list[str]:
    return [event["data"]["object"]["id"] for event in received(mailbox)]


def test_an_event_arrives_signed(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET, version="2026-10-28.endive")

    announce(sandbox, 1)
    sandbox.wait_until_delivered()

    signature = mailbox.headers[0]["Stripe-Signature"]
    event = stripe.Webhook.construct_event(mailbox.bodies[0], signature, SECRET)
    assert event.type == "charge.updated"
    assert event.api_version == "2026-10-28.endive"
    assert event.data.object["id"] == "ch_1"
    assert event.pending_webhooks == 1
    assert mailbox.headers[0]["Content-Type"] == "application/json; charset=utf-8"
    assert sandbox.get(f"/v1/events/{event.id}")["pending_webhooks"] == 0


def test_an_endpoint_gets_what_it_asked_for(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET, events=["charge.updated"])

    announce(sandbox, 1, kind="charge.captured")
    announce(sandbox, 2)
    sandbox.wait_until_delivered()

    assert subjects(mailbox) == ["ch_2"]


def test_the_shape_is_that_of_the_endpoints_version(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url + "?new", SECRET, version="2026-10-28.endive")
    sandbox.endpoint(mailbox.url + "?old", SECRET)

    sandbox.put({"id": "re_1", "object": "refund", "created": 1, "customer": "cus_1"}, event="refund.created")
    sandbox.wait_until_delivered()

    shapes = {event["api_version"]: event["data"]["object"].get("customer") for event in received(mailbox)}
    assert shapes == {"2026-10-28.endive": "cus_1", "2026-08-26.dahlia": None}
    assert "customer" not in sandbox.get("/v1/events")["data"][0]["data"]["object"]


def test_a_refused_event_is_sent_again_until_it_is_taken(sandbox: Sandbox, mailbox: Mailbox) -> None:
    mailbox.answers = [500, 301, 404]
    sandbox.endpoint(mailbox.url, SECRET)
    sandbox.delivery("retry", base=0.05, attempts=5)

    announce(sandbox, 1)
    counts = sandbox.wait_until_delivered()

    assert counts == {"waiting": 0, "sending": 0, "done": 1, "failed": 0, "dropped": 0}
    assert subjects(mailbox) == ["ch_1"] * 4
    assert len({event["id"] for event in received(mailbox)}) == 1
    assert sandbox.deliveries()[0]["attempts"] == 4


def test_tries_end_and_the_event_can_be_found_and_resent(sandbox: Sandbox, mailbox: Mailbox) -> None:
    mailbox.answers = [500, 500]
    endpoint = sandbox.endpoint(mailbox.url, SECRET)
    sandbox.delivery("retry", base=0.05, attempts=2)
    announce(sandbox, 1)
    assert sandbox.wait_until_delivered()["failed"] == 1

    lost = sandbox.get("/v1/events", params={"delivery_success": "false"})["data"]
    assert [event["data"]["object"]["id"] for event in lost] == ["ch_1"]
    assert sandbox.get("/v1/events", params={"delivery_success": "true"})["data"] == []
    sandbox.post(f"/v1/events/{lost[0]['id']}/retry", {"webhook_endpoint": endpoint["id"], "for_stripecli": "true"})
    sandbox.wait_until_delivered()

    assert subjects(mailbox) == ["ch_1"] * 3


def test_held_events_wait_for_their_release_in_any_order(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET)
    sandbox.delivery("hold")
    announce(sandbox, *range(6))
    assert sandbox.control("GET", "delivery")["deliveries"]["waiting"] == 6
    assert mailbox.bodies == []

    sandbox.delivery("release", order="reverse")
    sandbox.wait_until_delivered()

    assert subjects(mailbox) == ["ch_5", "ch_4", "ch_3", "ch_2", "ch_1", "ch_0"]
    assert "order" not in sandbox.control("GET", "delivery")["settings"]


def test_a_shuffle_depends_on_its_seed(sandbox: Sandbox, mailbox: Mailbox) -> None:
    def shuffled(seed: int) -> list[str]:
        sandbox.reset()
        mailbox.bodies.clear()
        sandbox.endpoint(mailbox.url, SECRET)
        sandbox.delivery("hold")
        announce(sandbox, *range(8))
        sandbox.delivery("release", order="shuffle", seed=seed)
        sandbox.wait_until_delivered()
        return subjects(mailbox)

    first = shuffled(1)

    assert sorted(first) == [f"ch_{number}" for number in range(8)]
    assert shuffled(1) == first
    assert shuffled(2) != first


def test_events_can_be_lost(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET)
    sandbox.delivery("drop", n=2, types=["charge.updated"])

    announce(sandbox, 1, kind="charge.captured")
    announce(sandbox, 2, 3, 4)
    counts = sandbox.wait_until_delivered()

    assert counts["dropped"] == 2
    assert sorted(subjects(mailbox)) == ["ch_1", "ch_4"]
    assert len(sandbox.get("/v1/events")["data"]) == 4


def test_events_can_come_many_times(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET)
    sandbox.delivery("duplicate", n=4)

    announce(sandbox, 1)
    sandbox.wait_until_delivered()

    assert subjects(mailbox) == ["ch_1"] * 5


def test_in_order_means_one_after_the_other(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET)
    sandbox.delivery("in_order")

    announce(sandbox, *range(30))
    sandbox.wait_until_delivered()

    assert subjects(mailbox) == [f"ch_{number}" for number in range(30)]


def test_all_events_can_claim_one_second(sandbox: Sandbox) -> None:
    sandbox.delivery("same_second", at=1_700_000_000)

    announce(sandbox, 1, 2)
    sandbox.delivery("off")
    announce(sandbox, 3)

    stamps = {event["data"]["object"]["id"]: event["created"] for event in sandbox.get("/v1/events")["data"]}
    assert stamps["ch_1"] == stamps["ch_2"] == 1_700_000_000
    assert stamps["ch_3"] > 1_700_000_000


def test_while_a_secret_is_rolled_both_sign(sandbox: Sandbox, mailbox: Mailbox) -> None:
    endpoint = sandbox.endpoint(mailbox.url, SECRET)
    rolled = sandbox.control("POST", f"webhook_endpoints/{endpoint['id']}/roll", {"expire_after": 60})
    announce(sandbox, 1)
    sandbox.wait_until_delivered()
    sandbox.control("POST", f"webhook_endpoints/{endpoint['id']}/roll", {"secret": "whsec_third", "expire_after": 0})
    announce(sandbox, 2)
    sandbox.wait_until_delivered()

    both, last = (headers["Stripe-Signature"] for headers in mailbox.headers)
    assert both.count("v1=") == 2
    for secret in (SECRET, rolled["secret"]):
        assert stripe.Webhook.construct_event(mailbox.bodies[0], both, secret)
    assert stripe.Webhook.construct_event(mailbox.bodies[1], last, "whsec_third")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(mailbox.bodies[1], last, rolled["secret"])


def test_signatures_are_fresh_unless_told_to_follow_the_world(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET)
    sandbox.advance(-600)
    announce(sandbox, 1)
    sandbox.wait_until_delivered()
    sandbox.delivery("sign_with", clock="world")
    announce(sandbox, 2)
    sandbox.wait_until_delivered()

    fresh, stale = (headers["Stripe-Signature"] for headers in mailbox.headers)
    assert stripe.Webhook.construct_event(mailbox.bodies[0], fresh, SECRET)
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        stripe.Webhook.construct_event(mailbox.bodies[1], stale, SECRET)


def test_a_disabled_or_deleted_endpoint_gets_nothing(sandbox: Sandbox, mailbox: Mailbox) -> None:
    client = sandbox.stripe()
    endpoint = client.v1.webhook_endpoints.create({"url": mailbox.url, "enabled_events": ["*"]})
    assert endpoint.secret is not None
    assert endpoint.secret.startswith("whsec_")
    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    announce(sandbox, 1)
    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": False, "description": "back"})
    announce(sandbox, 2)
    sandbox.wait_until_delivered()
    client.v1.webhook_endpoints.delete(endpoint.id)
    announce(sandbox, 3)
    sandbox.wait_until_delivered()

    assert subjects(mailbox) == ["ch_2"]
    assert sandbox.get("/v1/webhook_endpoints")["data"] == []


def test_the_secret_is_shown_only_once(sandbox: Sandbox) -> None:
    made = sandbox.post("/v1/webhook_endpoints", {"url": "http://a.test/", "enabled_events[]": "*"})

    assert "secret" in made
    assert "secret" not in sandbox.get(f"/v1/webhook_endpoints/{made['id']}")
    assert "secret" not in sandbox.get("/v1/webhook_endpoints")["data"][0]
    assert "secret" not in sandbox.objects("webhook_endpoint")[0]


@pytest.mark.parametrize(
    "form",
    [
        {"url": "nowhere", "enabled_events[]": "*"},
        {"url": "http://a.test/"},
        {"enabled_events[]": "*"},
        {"url": "http://a.test/", "enabled_events[]": ["*", "charge.updated"]},
        {"url": "http://a.test/", "enabled_events[]": "*", "colour": "red"},
    ],
)
def test_an_endpoint_needs_an_address_and_events(sandbox: Sandbox, form: Any) -> None:
    assert sandbox.call("POST", "/v1/webhook_endpoints", form).status_code == 400
    assert sandbox.objects("webhook_endpoint") == []


def test_events_are_found_by_type(sandbox: Sandbox) -> None:
    for number, kind in enumerate(("charge.updated", "charge.captured", "charge.dispute.created", "refund.created")):
        announce(sandbox, number, kind=kind)

    def types(**asked: Any) -> list[str]:
        return [event["type"] for event in sandbox.get("/v1/events", params=asked)["data"]]

    assert types() == ["refund.created", "charge.dispute.created", "charge.captured", "charge.updated"]
    assert types(type="charge.captured") == ["charge.captured"]
    assert types(type="charge.dispute.*") == ["charge.dispute.created"]
    assert types(**{"types[]": ["charge.updated", "refund.created"]}) == ["refund.created", "charge.updated"]
    both = sandbox.call("GET", "/v1/events", params={"type": "a", "types[]": "b"})
    assert both.status_code == 400


def test_an_event_knows_the_request_that_caused_it(sandbox: Sandbox) -> None:
    sandbox.put({"id": "ch_1", "object": "charge", "created": 1}, event="charge.updated", previous={"amount": 3})

    event = sandbox.get("/v1/events")["data"][0]

    assert event["request"] == {"id": None, "idempotency_key": None}
    assert event["data"]["previous_attributes"] == {"amount": 3}
    assert event["livemode"] is False


def test_a_thousand_events_arrive_once_each(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET)
    objects = [{"id": f"ch_{number}", "object": "charge", "created": number} for number in range(1_000)]

    sandbox.put(*objects, event="charge.updated")
    counts = sandbox.wait_until_delivered()

    assert counts["done"] == 1_000
    assert sorted(subjects(mailbox)) == sorted(str(one["id"]) for one in objects)


def test_two_requests_emit_at_once_and_nothing_is_lost(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.endpoint(mailbox.url, SECRET)
    sandbox.odd = True

    def post(thread: int) -> None:
        for number in range(10):
            obj = {"id": f"ch_{thread}_{number}", "object": "charge", "created": number}
            body = {"object": obj, "event": "charge.updated"}
            requests.post(f"{sandbox.url}/_control/objects", json=body, timeout=10, auth=(KEY, ""))

    threads = [threading.Thread(target=post, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sandbox.wait_until_delivered()

    assert sorted(subjects(mailbox)) == sorted(f"ch_{one}_{two}" for one in range(8) for two in range(10))
