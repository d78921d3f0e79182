"""Things that go wrong on purpose."""

import pytest
import requests
import stripe

from tests.sandbox.client import Sandbox

FORM = {"url": "http://a.test/", "enabled_events[]": "*"}
PATH = "/v1/webhook_endpoints"


def test_before_the_commit_nothing_has_happened(sandbox: Sandbox) -> None:
    sandbox.fault("POST", PATH, times=1, status=500, headers={"Stripe-Should-Retry": "false"})

    failed = sandbox.call("POST", PATH, FORM)

    assert failed.status_code == 500
    assert failed.headers["Stripe-Should-Retry"] == "false"
    assert failed.json()["error"]["type"] == "api_error"
    assert sandbox.objects("webhook_endpoint") == []
    assert sandbox.call("POST", PATH, FORM).status_code == 200


def test_after_the_commit_it_has_happened_all_the_same(sandbox: Sandbox) -> None:
    sandbox.fault("POST", PATH, times=1, when="after", status=503)
    headers = {"Idempotency-Key": "k"}

    failed = sandbox.call("POST", PATH, FORM, headers=headers)
    again = sandbox.call("POST", PATH, FORM, headers=headers)

    assert (failed.status_code, again.status_code) == (503, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(sandbox.objects("webhook_endpoint")) == 1
    assert [entry["status"] for entry in sandbox.requests("POST")] == [503, 200]


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_connection_can_be_reset_without_a_reply(sandbox: Sandbox, when: str, made: int) -> None:
    sandbox.fault("POST", PATH, times=1, when=when, reset=True)

    with pytest.raises(requests.ConnectionError):
        sandbox.call("POST", PATH, FORM)

    assert len(sandbox.objects("webhook_endpoint")) == made
    assert [entry["status"] for entry in sandbox.requests("POST")] == [0]


def test_a_reply_can_be_cut(sandbox: Sandbox) -> None:
    sandbox.fault("POST", PATH, times=1, cut=20)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        sandbox.call("POST", PATH, FORM)

    assert len(sandbox.objects("webhook_endpoint")) == 1


def test_content_length_can_lie(sandbox: Sandbox) -> None:
    sandbox.fault("GET", "/v1/charges", times=1, content_length=10)

    response = sandbox.call("GET", "/v1/charges")

    assert response.content == b'{"object":'


def test_a_proxy_can_answer_html_or_rubbish(sandbox: Sandbox) -> None:
    sandbox.fault("GET", "/v1/charges", times=1, html=True)
    sandbox.fault("GET", "/v1/refunds", times=1, garbage=True)

    html = sandbox.call("GET", "/v1/charges")

    assert html.status_code == 502
    assert html.headers["Content-Type"] == "text/html"
    assert b"Bad Gateway" in html.content
    with pytest.raises(requests.exceptions.ContentDecodingError):
        sandbox.call("GET", "/v1/refunds")


def test_the_sdk_sees_too_many_requests(sandbox: Sandbox) -> None:
    sandbox.fault("GET", "/v1/charges", times=1, status=429)

    with pytest.raises(stripe.RateLimitError):
        sandbox.stripe().v1.charges.list()


def test_a_fault_takes_its_share_the_same_way_every_time(sandbox: Sandbox) -> None:
    def statuses() -> list[int]:
        sandbox.fault("GET", "/v1/charges*", percent=60, seed=3, status=429)
        found = [sandbox.call("GET", "/v1/charges").status_code for _ in range(40)]
        sandbox.heal()
        return found

    first = statuses()

    assert first == statuses()
    assert 15 <= first.count(429) <= 33
    assert first.count(200) == 40 - first.count(429)


def test_a_fault_can_spare_the_first_and_fit_one_parameter(sandbox: Sandbox) -> None:
    sandbox.fault("GET", "/v1/charges", skip=1, params={"limit": "3"}, status=500)

    asked = [("3", 200), ("2", 200), ("3", 500), ("3", 500)]

    assert [sandbox.call("GET", "/v1/charges", params={"limit": one}).status_code for one, _ in asked] == [
        status for _, status in asked
    ]


def test_a_body_of_ones_own(sandbox: Sandbox) -> None:
    sandbox.fault("GET", "/v1/charges", times=1, body={"object": "list", "data": None})
    sandbox.fault("GET", "/v1/charges", times=1, status=200, body="not json")

    assert sandbox.get("/v1/charges") == {"object": "list", "data": None}
    assert sandbox.call("GET", "/v1/charges").text == "not json"


def test_delays_hold_the_answer_back(sandbox: Sandbox) -> None:
    sandbox.fault("POST", PATH, times=1, delay_after=2.0)

    with pytest.raises(requests.ReadTimeout):
        requests.post(sandbox.url + PATH, FORM, auth=("sk_test_x", ""), timeout=0.5)

    assert len(sandbox.objects("webhook_endpoint")) == 1
    assert sandbox.requests("POST")[0]["status"] is None


def test_faults_are_listed_and_cleared(sandbox: Sandbox) -> None:
    one = sandbox.fault("GET", "/v1/charges", status=500)
    two = sandbox.fault("GET", "/v1/refunds", status=500)

    sandbox.control("DELETE", f"faults/{one['id']}")

    assert [fault["id"] for fault in sandbox.control("GET", "faults")["data"]] == [two["id"]]
    assert sandbox.call("GET", "/v1/charges").status_code == 200
    assert sandbox.call("GET", "/v1/refunds").status_code == 500
    refused = requests.post(f"{sandbox.url}/_control/faults", json={"weather": "bad"}, timeout=5)
    assert refused.status_code == 400
