"""One key, one effect."""

import threading

import pytest
import requests
import stripe

from tests.sandbox.client import KEY, Sandbox

FORM = {"url": "http://a.test/", "enabled_events[]": "*"}


def make(sandbox: Sandbox, key: str, **changes: str) -> requests.Response:
    return sandbox.call("POST", "/v1/webhook_endpoints", FORM | changes, headers={"Idempotency-Key": key})


def test_the_same_request_is_answered_again_and_done_once(sandbox: Sandbox) -> None:
    first = make(sandbox, "k1")
    again = make(sandbox, "k1")

    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert len(sandbox.objects("webhook_endpoint")) == 1
    assert [entry["replayed"] for entry in sandbox.requests("POST")] == [False, True]
    assert {entry["idempotency_key"] for entry in sandbox.requests("POST")} == {"k1"}


def test_the_order_of_parameters_does_not_matter(sandbox: Sandbox) -> None:
    first = sandbox.call(
        "POST", "/v1/webhook_endpoints", "url=http://a.test/&enabled_events[]=*", headers={"Idempotency-Key": "k"}
    )
    again = sandbox.call(
        "POST", "/v1/webhook_endpoints", "enabled_events[0]=*&url=http://a.test/", headers={"Idempotency-Key": "k"}
    )

    assert again.json() == first.json()
    assert len(sandbox.objects("webhook_endpoint")) == 1


def test_a_key_belongs_to_its_request(sandbox: Sandbox) -> None:
    make(sandbox, "k1")

    other = make(sandbox, "k1", description="other")
    elsewhere = sandbox.call("POST", "/v1/file_links", FORM, headers={"Idempotency-Key": "k1"})

    assert (other.status_code, elsewhere.status_code) == (400, 400)
    assert other.json()["error"]["type"] == elsewhere.json()["error"]["type"] == "idempotency_error"
    assert len(sandbox.objects("webhook_endpoint")) == 1


def test_the_sdk_raises_its_own_error_for_a_misused_key(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    client.v1.webhook_endpoints.create({"url": "http://a.test/", "enabled_events": ["*"]}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError):
        client.v1.webhook_endpoints.create({"url": "http://b.test/", "enabled_events": ["*"]}, {"idempotency_key": "k"})


def test_a_validation_failure_does_not_use_up_the_key(sandbox: Sandbox) -> None:
    refused = make(sandbox, "k1", url="nowhere")
    accepted = make(sandbox, "k1")

    assert (refused.status_code, accepted.status_code) == (400, 200)
    assert "Idempotent-Replayed" not in accepted.headers


def test_a_key_in_use_is_a_conflict(sandbox: Sandbox) -> None:
    sandbox.fault("POST", "/v1/webhook_endpoints", times=1, delay_during=4.0)
    answers: list[int] = []
    url = f"{sandbox.url}/v1/webhook_endpoints"
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k1"}
    first = threading.Thread(
        target=lambda: answers.append(requests.post(url, FORM, headers=headers, timeout=10).status_code)
    )
    first.start()
    sandbox.wait_for(lambda: sandbox.requests("POST"))

    conflict = sandbox.wait_for(lambda: found if "error" in (found := make(sandbox, "k1").json()) else None, within=3.5)
    first.join()

    assert conflict["error"]["code"] == "idempotency_key_in_use"
    assert answers == [200]
    assert len(sandbox.objects("webhook_endpoint")) == 1


def test_many_at_once_make_one(sandbox: Sandbox) -> None:
    statuses: list[int] = []

    def post() -> None:
        response = requests.post(
            f"{sandbox.url}/v1/webhook_endpoints",
            FORM,
            headers={"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k1"},
            timeout=10,
        )
        statuses.append(response.status_code)

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert len(sandbox.objects("webhook_endpoint")) == 1


def test_keys_are_forgotten_when_pruned_or_a_day_old(sandbox: Sandbox) -> None:
    make(sandbox, "k1")
    sandbox.control("POST", "idempotency/prune")
    make(sandbox, "k1")
    sandbox.advance(25 * 3600)
    make(sandbox, "k1")

    assert len(sandbox.objects("webhook_endpoint")) == 3


def test_a_key_may_be_255_long(sandbox: Sandbox) -> None:
    assert make(sandbox, "k" * 255).status_code == 200
    assert make(sandbox, "k" * 256).status_code == 400
    assert len(sandbox.objects("webhook_endpoint")) == 1


def test_reading_ignores_keys(sandbox: Sandbox) -> None:
    for path in ("/v1/charges", "/v1/refunds"):
        assert sandbox.call("GET", path, headers={"Idempotency-Key": "k"}).status_code == 200
