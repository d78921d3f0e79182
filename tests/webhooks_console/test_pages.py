"""What Stripe told us, as staff read it."""

import orjson
import pytest
import zstandard
from flask import Flask

from app import clock
from app.database import db, transaction
from app.models.account import Account
from app.models.webhook_event import STATES, WebhookEvent, WebhookRefusal
from tests.desk import staff

PAYLOAD = {
    "id": "evt_1",
    "type": "charge.succeeded",
    "data": {
        "object": {
            "id": "ch_1",
            "billing_details": {"email": "jane@example.com", "name": "Jane <b>Doe</b>"},
            "amount": 100,
        }
    },
}


def _event(body: bytes, **changes: object) -> None:
    with transaction():
        account = Account(livemode=False, stripe_id="acct_1", created_at=clock.now())
        db.session.add(account)
        db.session.flush()
        plain = {
            "id": "evt_1", "account_id": account.id, "type": "charge.succeeded", "created_at": clock.now(),
            "received_at": clock.now(), "object_id": "ch_1", "object_type": "charge", "body": body, "source": "webhook",
            "state": "processed", "next_try_at": clock.now(),
        }  # fmt: skip
        db.session.add(WebhookEvent(**{**plain, **changes}))


def _packed(payload: object) -> bytes:
    return zstandard.ZstdCompressor().compress(orjson.dumps(payload))


def test_an_event_shows_what_it_said_and_what_became_of_it(app: Flask) -> None:
    _event(_packed(PAYLOAD), state="waiting", error="The charge is not known yet.", attempts=3)

    page = staff(app, "admin").get("/admin/webhooks/evt_1")

    assert page.headings == ["charge.succeeded"]
    assert "The charge is not known yet." in page.words
    assert "jane@example.com" in page.words
    assert "Jane <b>Doe</b>" in page.words
    assert "<b>Doe" not in page.html


def test_who_may_not_see_personal_data_sees_the_event_without_it(app: Flask) -> None:
    _event(_packed(PAYLOAD))

    page = staff(app, "developer").get("/admin/webhooks/evt_1")

    assert "jane@example.com" not in page.html
    assert "Doe" not in page.html
    assert '"amount": 100' in page.words


@pytest.mark.parametrize(
    "body", [b"", b"not compressed", _packed("x")[:-3], zstandard.ZstdCompressor().compress(b"{not json")]
)
def test_a_body_that_nobody_can_read_is_said_to_be_so(app: Flask, body: bytes) -> None:
    _event(body)

    assert "unreadable" in staff(app, "admin").get("/admin/webhooks/evt_1").words


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_words_of_its_own(app: Flask, state: str) -> None:
    _event(_packed(PAYLOAD), state=state)

    page = staff(app, "developer").get(f"/admin/webhooks/?state={state}")

    assert "1 event" in page.words
    assert state.capitalize() in page.words


def test_what_was_not_believed_is_listed_without_its_body(app: Flask) -> None:
    with transaction():
        db.session.add(
            WebhookRefusal(
                at=clock.now(),
                reason="The signature does not fit.",
                body_sha256=b"\1" * 32,
                body_size=99,
                ip="203.0.113.9",
            )
        )

    page = staff(app, "developer").get("/admin/webhooks/refusals/")

    assert "The signature does not fit." in page.words
    assert "203.0.113.9" in page.words
