"""What stands around every answer: keys, versions, ids, dates, and the bytes on the wire."""

import email.utils
import socket
import time

import pytest
import requests
import stripe

from tests.sandbox.client import KEY, Sandbox


@pytest.mark.parametrize("key", ["sk_test_x", "rk_test_abc", KEY])
def test_any_test_key_is_good(sandbox: Sandbox, key: str) -> None:
    assert sandbox.call("GET", "/v1/charges", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert requests.get(f"{sandbox.url}/v1/charges", auth=(key, ""), timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("", "did not provide an API key"),
        ("Bearer", "did not provide an API key"),
        ("Basic !!!", "did not provide an API key"),
        ("Bearer sk_live_abcdefghijklmnop", "test keys only"),
        ("Bearer pk_test_abc", "publishable"),
        ("Bearer hello_there_everyone", "Invalid API Key provided: hello_th********yone"),
    ],
)
def test_without_a_good_key_nothing_is_answered(sandbox: Sandbox, header: str, word: str) -> None:
    response = sandbox.call("GET", "/v1/charges", headers={"Authorization": header})

    assert response.status_code == 401
    assert word in response.json()["error"]["message"]
    assert "abcdefghijkl" not in response.text


def test_the_sdk_knows_a_bad_key(sandbox: Sandbox) -> None:
    client = stripe.StripeClient("sk_live_not_here", base_addresses={"api": sandbox.url})

    with pytest.raises(stripe.AuthenticationError):
        client.v1.charges.list()


def test_every_answer_has_its_id_and_version(sandbox: Sandbox) -> None:
    plain = sandbox.call("GET", "/v1/charges")
    pinned = sandbox.call("GET", "/v1/charges", headers={"Stripe-Version": "2026-10-28.endive"})
    wrong = sandbox.call("GET", "/v1/charges", headers={"Stripe-Version": "latest"})

    assert plain.headers["Stripe-Version"] == "2026-08-26.dahlia"
    assert pinned.headers["Stripe-Version"] == "2026-10-28.endive"
    assert wrong.status_code == 400
    assert wrong.json()["error"]["message"] == "Invalid Stripe API version: latest"
    found = [plain.headers["Request-Id"], pinned.headers["Request-Id"], wrong.headers["Request-Id"]]
    assert all(one.startswith("req_") for one in found)
    assert [entry["request_id"] for entry in sandbox.requests()] == found


def test_the_default_version_can_be_changed(sandbox: Sandbox) -> None:
    sandbox.control("POST", "account", {"default_version": "2026-10-28.endive"})

    assert sandbox.call("GET", "/v1/charges").headers["Stripe-Version"] == "2026-10-28.endive"


def test_older_versions_see_older_shapes(sandbox: Sandbox) -> None:
    sandbox.put(
        {
            "id": "re_1",
            "object": "refund",
            "created": 1,
            "charge": "ch_1",
            "customer": "cus_1",
            "payment_method": "pm_1",
        }
    )
    sandbox.put({"id": "ch_1", "object": "charge", "created": 1})
    endive = {"Stripe-Version": "2026-10-28.endive"}

    assert "customer" not in sandbox.get("/v1/refunds/re_1")
    assert "customer" not in sandbox.get("/v1/refunds")["data"][0]
    nested = sandbox.get("/v1/charges/ch_1", params={"expand[]": "refunds"})["refunds"]["data"][0]
    assert "customer" not in nested
    assert sandbox.get("/v1/refunds/re_1", headers=endive)["customer"] == "cus_1"
    assert sandbox.get("/v1/refunds", headers=endive)["data"][0]["payment_method"] == "pm_1"


def test_the_date_is_that_of_the_world(sandbox: Sandbox) -> None:
    sandbox.control("POST", "clock", {"freeze": 1_900_000_000})

    date = sandbox.call("GET", "/v1/charges").headers["Date"]

    assert email.utils.parsedate_to_datetime(date).timestamp() == 1_900_000_000


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/nothing"), ("POST", "/v1/balance_transactions"), ("DELETE", "/v1/charges/ch_1"), ("GET", "/")],
)
def test_unknown_addresses_are_named(sandbox: Sandbox, method: str, path: str) -> None:
    response = sandbox.call(method, path)

    assert response.status_code == 404
    assert response.json()["error"]["message"].startswith(f"Unrecognized request URL ({method}: {path}).")


def raw(sandbox: Sandbox, sent: bytes, until: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as wire:
        wire.sendall(sent)
        got = b""
        while until not in got and (piece := wire.recv(65536)):
            got += piece
        return got


def test_two_requests_on_one_connection_get_two_answers(sandbox: Sandbox) -> None:
    one = f"GET /v1/charges HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()
    two = f"GET /v1/refunds HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()

    got = raw(sandbox, one + two, b'"/v1/refunds"}')

    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert got.index(b'"/v1/charges"}') < got.index(b'"/v1/refunds"}')


def test_a_body_may_come_in_chunks(sandbox: Sandbox) -> None:
    head = f"POST /v1/webhook_endpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"12\r\nurl=http://a.test/\r\n12\r\n&enabled_events[]=\r\n1\r\n*\r\n0\r\n\r\n"

    got = raw(sandbox, head.encode() + body, b"}")

    assert b"HTTP/1.1 200 OK" in got
    assert sandbox.objects("webhook_endpoint")[0]["url"] == "http://a.test/"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /v1/charges HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST /v1/files HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
    ],
)
def test_what_is_no_request_is_refused_and_the_server_lives(sandbox: Sandbox, sent: bytes, status: bytes) -> None:
    got = raw(sandbox, sent, b"\r\n\r\n")

    assert got.startswith(b"HTTP/1.1 " + status)
    assert sandbox.control("GET", "health")["ok"] is True


def test_an_empty_world_is_quickly_made_again(sandbox: Sandbox) -> None:
    sandbox.put(*({"id": f"ch_{number}", "object": "charge", "created": number} for number in range(5_000)))
    before = time.time()

    sandbox.reset()

    assert sandbox.control("GET", "health")["objects"] == {}
    assert sandbox.requests() == []
    assert sandbox.control("GET", "clock")["now"] >= int(before)


def test_a_seeded_world_gives_the_same_ids_again(sandbox: Sandbox) -> None:
    form = {"url": "http://a.test/", "enabled_events[]": "*"}

    sandbox.reset(seed=7)
    first = sandbox.post("/v1/webhook_endpoints", form)
    sandbox.reset(seed=7)
    second = sandbox.post("/v1/webhook_endpoints", form)
    sandbox.reset(seed=8)
    other = sandbox.post("/v1/webhook_endpoints", form)

    assert first["id"] == second["id"]
    assert first["secret"] == second["secret"]
    assert other["id"] != first["id"]
