"""What the address answers, and that a refusal leaves nothing behind but its note."""

import io
import time
from dataclasses import replace
from hashlib import sha256
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.database import db
from app.factory import create_app
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.webhook_event import WebhookEvent, WebhookRefusal
from app.settings import Secret
from app.webhooks import forgeries, refusals
from app.webhooks.forgeries import MOST_A_MINUTE, Forgeries, home
from tests.webhooks.signing import charge, customer, event, post, signature, v1
from tests.world import live_settings, settings

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def rows(model: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def reasons() -> list[str]:
    return list(db.session.scalars(select(WebhookRefusal.reason).order_by(WebhookRefusal.id)))


@pytest.fixture(autouse=True)
def _fresh_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_counted", {"minute": 0, "refusals": 0})


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute of counting does not end in the middle of a test."""
    monkeypatch.setattr(forgeries, "time", SimpleNamespace(monotonic=lambda: 30.0))
    monkeypatch.setattr(forgeries, "counted", Forgeries())


@pytest.mark.parametrize("address", ["/webhooks/stripe", "/webhook"])
def test_a_signed_event_is_applied_when_the_answer_is_given(client: FlaskClient, address: str) -> None:
    body = orjson.dumps(event("customer.created", customer("cus_1")))

    answer = client.post(address, data=body, headers={"Stripe-Signature": signature(body)})

    assert (answer.status_code, answer.text) == (200, "Received.\n")
    assert set(answer.headers.keys()) == {"Content-Type", "Content-Length"}
    assert (rows(Customer), rows(WebhookEvent), rows(WebhookRefusal)) == (1, 1, 0)


@pytest.mark.parametrize("header", [None, "", "t=1", "t=1,v0=00", "é", "t=1,v1=é"])
def test_an_unsigned_event_is_refused_and_leaves_no_event(client: FlaskClient, header: str | None) -> None:
    headers = {} if header is None else {"Stripe-Signature": header}

    answer = client.post("/webhooks/stripe", data=orjson.dumps(event("customer.created", customer())), headers=headers)

    assert answer.status_code == 400
    assert (rows(Customer), rows(WebhookEvent), rows(WebhookRefusal)) == (0, 0, 1)


def test_no_header_and_no_name_is_a_way_around_the_signature(client: FlaskClient) -> None:
    body = orjson.dumps(event("customer.created", customer(), id="evt_test_webhook"))
    headers = {
        "X-Djstripe-Webhook-Secret": "x",
        "X-Test-Mode": "1",
        "Authorization": "Bearer sk_test_1",
        "Stripe-Signature": "",
    }

    assert client.post("/webhooks/stripe?test=1", data=body, headers=headers).status_code == 400
    assert rows(WebhookEvent) == 0


def test_a_signature_with_an_empty_secret_is_refused(client: FlaskClient) -> None:
    body = orjson.dumps(event("customer.created", customer()))

    assert post(client, body, stripe_signature=signature(body, secret="")).status_code == 400
    assert rows(WebhookEvent) == 0


@pytest.mark.parametrize("secrets", [(), ("",), (" ",)])
def test_without_a_secret_every_event_is_answered_503(instance_dir: Path, secrets: tuple[str, ...]) -> None:
    application = create_app(settings(NOWHERE, instance_dir, webhook_secrets=tuple(Secret(s) for s in secrets)))
    body = orjson.dumps(event("customer.created", customer()))
    client = application.test_client()

    for secret in ("", " ", "whsec_any"):
        assert post(client, body, stripe_signature=signature(body, secret=secret)).status_code == 503


def test_a_captured_request_may_come_again_for_five_minutes_and_changes_nothing(client: FlaskClient) -> None:
    told = event("customer.created", customer("cus_1"), id="evt_a")
    body, now = orjson.dumps(told), time.time()

    answers = [
        post(client, body, stripe_signature=signature(body, at=now - age)).status_code for age in (0, 10, 298, 302)
    ]

    assert answers == [200, 200, 200, 400]
    assert db.session.get_one(WebhookEvent, "evt_a").deliveries == 3
    assert rows(Customer) == 1
    assert [reason[:21] for reason in reasons()] == ["The signature's time "]


@pytest.mark.parametrize(
    "body",
    [b"null", b"[]", b"[" * 100_000, b"1" * 5_000, b"\xff\xfe", b'{"id":"evt_1"}', b'{"a":"\\ud800"' + b"[" * 100_000],
    ids=["null", "list", "deep", "digits", "utf-8", "bare", "deep surrogate"],
)
def test_signed_nonsense_is_400_in_one_line_of_log(
    client: FlaskClient, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(client, body).status_code == 400

    assert (rows(WebhookEvent), rows(WebhookRefusal)) == (0, 1)
    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [("webhooks.refused", None)]


def test_of_a_refused_body_only_its_hash_is_kept(client: FlaskClient) -> None:
    post(client, b"a stranger's words", stripe_signature="t=1,v1=00")

    [row] = db.session.scalars(select(WebhookRefusal)).all()
    assert (row.reason, row.body_size, row.ip, row.event_id) == ("No signature fits.", 18, "127.0.0.1", None)
    assert row.body_sha256 == sha256(b"a stranger's words").digest()


def test_a_flood_of_forgeries_does_not_fill_the_table(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_A_MINUTE", 5)

    def forge(n: int) -> int:
        client.environ_base["REMOTE_ADDR"] = f"192.0.2.{n}"
        return post(client, b"{}", stripe_signature="t=1,v1=00").status_code

    assert {forge(n) for n in range(20)} == {400}
    # Another process has its own count, and the same table.
    monkeypatch.setattr(refusals, "_counted", {"minute": 0, "refusals": 0})
    assert forge(20) == 400

    assert rows(WebhookRefusal) == 5


def test_an_address_that_forges_is_limited_and_a_right_signature_from_there_is_not(client: FlaskClient) -> None:
    forged = [post(client, b"{}", stripe_signature="t=1,v1=00") for _ in range(MOST_A_MINUTE + 3)]

    assert [answer.status_code for answer in forged] == [400] * MOST_A_MINUTE + [429] * 3
    assert 1 <= int(forged[-1].headers["Retry-After"]) <= 60
    assert rows(WebhookRefusal) == MOST_A_MINUTE
    assert post(client, event("customer.created", customer("cus_1"))).status_code == 200
    assert rows(Customer) == 1
    client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert post(client, b"{}", stripe_signature="t=1,v1=00").status_code == 400


def test_what_is_signed_rightly_and_not_for_us_is_never_called_a_forgery(client: FlaskClient) -> None:
    answers = [post(client, event("customer.created", customer(), livemode=True)) for _ in range(MOST_A_MINUTE + 2)]

    assert {answer.status_code for answer in answers} == {400}


def test_a_minute_later_an_address_is_told_the_reason_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = iter([0.0] * (MOST_A_MINUTE + 2) + [60.0])
    monkeypatch.setattr(forgeries, "time", SimpleNamespace(monotonic=lambda: next(minutes)))

    found = Forgeries()
    counts = [found.count("192.0.2.1") for _ in range(MOST_A_MINUTE + 2)]

    assert counts[-1] == MOST_A_MINUTE + 2
    assert found.count("192.0.2.1") == 1


def test_more_addresses_than_are_remembered_share_one_count() -> None:
    found = Forgeries()
    numbers = [found.count(str(IPv4Address(n))) for n in range(4_096 + 10)]

    assert numbers == [1] * 4_096 + list(range(1, 11))
    assert found.count("0.0.0.1") == 2


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::7", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("", ""),
        (None, ""),
        ("unix:", ""),
    ],
)
def test_whoever_has_many_addresses_of_one_network_is_one(ip: str | None, name: str) -> None:
    assert home(ip) == name


def test_a_body_beyond_the_limit_is_413_and_a_large_legal_event_passes(client: FlaskClient) -> None:
    legal = orjson.dumps(event("customer.created", customer("cus_1", description="x" * 256 * 1024)))
    too_big = orjson.dumps(event("customer.created", customer("cus_2", description="x" * 1024 * 1024)))

    assert post(client, legal).status_code == 200
    assert post(client, too_big).status_code == 413
    assert rows(WebhookEvent) == 1


def test_a_body_of_unknown_length_is_read_up_to_the_limit_only(app: Flask) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.given += len(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    stream = Endless()
    environ = EnvironBuilder("/webhooks/stripe", method="POST").get_environ()
    environ |= {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    _, status, _ = run_wsgi_app(app, environ)

    assert status == "413 Request Entity Too Large"
    assert stream.given < 2 * 1024 * 1024


def test_a_test_event_moves_no_live_money(database_url: str, instance_dir: Path) -> None:
    plain = live_settings(database_url, instance_dir)
    application = create_app(replace(plain, webhook_secrets=(Secret("whsec_test_first"),)))
    with application.app_context():
        answer = post(application.test_client(), event("charge.succeeded", charge(), id="evt_a"))

        assert (answer.status_code, answer.text) == (400, "A test event, but this is live mode.\n")
        assert (rows(Charge), rows(WebhookEvent)) == (0, 0)
        assert db.session.scalars(select(WebhookRefusal.event_id)).all() == ["evt_a"]
        db.session.remove()
        db.engine.dispose()


def test_a_live_event_moves_no_test_money(client: FlaskClient) -> None:
    assert post(client, event("charge.succeeded", charge(), livemode=True)).status_code == 400
    assert (rows(Charge), reasons()) == (0, ["A live event, but this is test mode."])


def test_an_event_of_another_account_moves_nothing(client: FlaskClient) -> None:
    assert post(client, event("charge.succeeded", charge(), account="acct_stranger")).status_code == 400
    assert (rows(Charge), rows(WebhookEvent), reasons()) == (0, 0, ["An event of another account."])


def test_a_thin_event_is_answered_and_not_used(client: FlaskClient) -> None:
    thin = {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error",
        "created": "2026-11-02T12:00:00Z",
    }

    assert post(client, thin).status_code == 200
    assert (rows(WebhookEvent), reasons()) == (0, ["A thin event: it carries no object."])


def test_while_the_database_is_away_nothing_is_answered_2xx(instance_dir: Path) -> None:
    client = create_app(settings(NOWHERE, instance_dir)).test_client()
    body = orjson.dumps(event("customer.created", customer()))

    assert post(client, body).status_code == 503
    assert post(client, body, stripe_signature="t=1,v1=00").status_code == 400


def test_only_post_is_answered(client: FlaskClient) -> None:
    assert client.get("/webhooks/stripe").status_code == 405


def test_a_second_signature_of_a_rolled_secret_is_accepted(client: FlaskClient, app: Flask) -> None:
    body, at = orjson.dumps(event("customer.created", customer())), int(time.time())

    header = f"t={at},v1={v1(body, at, 'whsec_not_ours')},v1={v1(body, at)}"
    assert post(client, body, stripe_signature=header).status_code == 200


def test_of_the_headers_the_signature_itself_is_not_kept(client: FlaskClient) -> None:
    said = event("customer.created", customer("cus_1"), id="evt_h")
    sent = signature(orjson.dumps(said))

    assert (
        post(client, said, stripe_signature=sent, **{"User-Agent": "Stripe/1.0 (+https://stripe.com)"}).status_code
        == 200
    )

    kept = db.session.get_one(WebhookEvent, "evt_h")
    assert kept.headers == {
        "Content-Type": "application/json",
        "User-Agent": "Stripe/1.0 (+https://stripe.com)",
        "Stripe-Signature": sent.partition(",")[0] + ",…",
    }
