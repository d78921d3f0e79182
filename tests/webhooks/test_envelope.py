"""Whatever the bytes are, reading them ends in an event or in a refusal."""

from typing import Any

import orjson
import pytest

from app.webhooks import envelope
from app.webhooks.envelope import ThinEvent
from app.webhooks.signatures import NotBelieved
from tests.webhooks.signing import customer, event


def test_an_event_says_what_it_is_about() -> None:
    told = event("customer.updated", customer("cus_9"), id="evt_9", account="acct_9")

    read = envelope.read(orjson.dumps(told))

    assert (read.id, read.type, read.object_id, read.object_type) == ("evt_9", "customer.updated", "cus_9", "customer")
    assert (read.created_at.isoformat(), read.livemode) == ("2026-09-21T14:13:20+00:00", False)
    assert (read.account, read.api_version, read.request_id) == ("acct_9", "2026-10-28.endive", "req_1")
    assert orjson.loads(read.body) == told


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"evt_1"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": "\\ud800' + b"[" * 100_000,
        b'"\\ud800"' + b"1" * 5_000,
        b"1" * 5_000,
        b'{"id": "evt_1", "created": ' + b"1" * 5_000 + b"}",
        b'{"id": NaN}',
    ],
    ids=lambda body: body[:20],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(NotBelieved):
        envelope.read(body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "no usable id"),
        ({"id": "ch_1"}, "no usable id"),
        ({"id": "evt_\0"}, "no usable id"),
        ({"type": 5}, "no usable type"),
        ({"type": "Charge Succeeded"}, "no usable type"),
        ({"created": "now"}, "no usable time"),
        ({"created": True}, "no usable time"),
        ({"created": -1}, "no usable time"),
        ({"created": 10**18}, "no usable time"),
        ({"livemode": None}, "names no mode"),
        ({"livemode": "false"}, "names no mode"),
        ({"account": 7}, "no usable account"),
        ({"data": None}, "carries no object"),
        ({"data": {"object": []}}, "carries no object"),
    ],
)
def test_every_field_we_rely_on_is_looked_at(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotBelieved, match=reason):
        envelope.of(event("customer.updated", customer(), **change))


def test_a_thin_event_is_recognised() -> None:
    with pytest.raises(ThinEvent):
        envelope.of({"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"})


def test_half_a_character_becomes_visible_instead_of_costing_the_event() -> None:
    body = orjson.dumps(event("customer.updated", customer(name="HERE"))).replace(b"HERE", b"A\\ud800\\uD83D\\ude00Z")

    read = envelope.read(body)

    assert read.thing["name"] == "A\ufffd😀Z"
    assert orjson.loads(read.body)["data"]["object"]["name"] == "A\ufffd😀Z"


def test_nul_is_visible_in_what_is_kept() -> None:
    read = envelope.of(event("customer.updated", customer(name="A\0Z")))

    assert orjson.loads(read.body)["data"]["object"]["name"] == "A\ufffdZ"


def test_client_secrets_are_not_kept() -> None:
    intent = {
        "id": "pi_1",
        "object": "payment_intent",
        "client_secret": "pi_1_secret_2",
        "next": {"client_secret": "x"},
    }

    read = envelope.of(event("payment_intent.created", intent))

    assert b"secret" not in read.body
    assert "client_secret" not in read.thing
