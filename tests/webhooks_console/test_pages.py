"""What Stripe told us, as staff read it."""

import orjson
import pytest
import zstandard
from flask import Flask

from app import clock
from app.database import db, transaction
from app.models.account import Account
from app.models.audit_log import AuditLog
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

    assert page.headings == ["charge.succeeded Waiting"]
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


def test_a_dead_event_is_replayed_from_its_page_with_a_reason(app: Flask) -> None:
    _event(_packed(PAYLOAD), state="dead", error="It was not known.", attempts=40, next_try_at=None)
    desk = staff(app, "developer", email="dora@shop.example")
    assert "ignore it with a word on why" in desk.get("/admin/webhooks/evt_1").words

    refused = desk.post("/admin/webhooks/evt_1/replay", {"replay-reason": " "}, expect=400)
    assert "Write a sentence on why." in refused.words
    assert db.session.query(AuditLog).filter_by(action="event.replayed").count() == 0

    desk.post("/admin/webhooks/evt_1/replay", {"replay-reason": "Mended"})
    page = desk.get("/admin/webhooks/evt_1")
    assert "replayed event evt_1" in page.words
    assert "Mended" in page.words
    # The body of this one has no id and no time, so it fails again, and says so.
    assert "Waiting" in page.headings[0]


def test_a_dead_event_is_ignored_with_a_reason(app: Flask) -> None:
    _event(_packed(PAYLOAD), state="dead", attempts=40, next_try_at=None)
    desk = staff(app, "developer")
    desk.get("/admin/webhooks/evt_1")

    desk.post("/admin/webhooks/evt_1/ignore", {"ignore-reason": "A colleague's test"})

    assert desk.get("/admin/webhooks/evt_1").headings == ["charge.succeeded Ignored"]
    answer = desk.post("/admin/webhooks/evt_1/ignore", {"ignore-reason": "Again"}, expect=409)
    assert "there is nothing left to ignore" in answer.words


def test_ticked_events_are_replayed_together(app: Flask) -> None:
    _event(_packed(PAYLOAD), next_try_at=None)
    desk = staff(app, "developer")

    page = desk.get("/admin/webhooks/replay?event=evt_1&event=evt_1&event=evt_unknown")
    assert page.headings[0] == "Replay 1 event"
    assert "1 of the events you chose are unknown" in page.words
    desk.post("/admin/webhooks/replay", {"events": "evt_1 evt_unknown", "reason": "Once more"})

    assert db.session.get_one(WebhookEvent, "evt_1", populate_existing=True).state == "waiting"
    assert "1 event waits to be understood again." in desk.get("/admin/webhooks/").words


def test_all_that_match_the_list_are_replayed(app: Flask) -> None:
    _event(_packed(PAYLOAD), state="dead", next_try_at=None)
    desk = staff(app, "developer")

    assert "Replay all that match" in desk.get("/admin/webhooks/?state=dead").words
    assert desk.get("/admin/webhooks/replay?all=1&state=dead").headings[0] == "Replay 1 event"
    assert "Tick the events first" in desk.get("/admin/webhooks/replay?all=1&state=processed", expect=400).words


@pytest.mark.parametrize("events", ["", "evt_1; DROP TABLE", "../../x", "evt_" + "x" * 300, "evt_1\0"])
def test_damaged_choices_are_refused_in_words(app: Flask, events: str) -> None:
    desk = staff(app, "developer")
    desk.get("/admin/webhooks/")

    desk.post("/admin/webhooks/replay", {"events": events, "reason": "Why not"}, expect=400)

    assert db.session.query(AuditLog).filter_by(action="event.replayed").count() == 0


def test_the_page_says_what_the_event_changed_at_stripe_and_how_it_came(app: Flask) -> None:
    changed = {**PAYLOAD, "data": {**PAYLOAD["data"], "previous_attributes": {"amount": 70}}}  # type: ignore[dict-item]
    _event(_packed(changed), headers={"Stripe-Signature": "t=1790000000,…", "User-Agent": "Stripe/1.0"})

    page = staff(app, "developer").get("/admin/webhooks/evt_1")

    assert "What it changed at Stripe" in page.words
    assert "70" in page.words
    assert "Stripe/1.0" in page.words
    assert "There is no copy of it here." in page.words


def test_who_may_only_look_at_events_is_offered_no_replay_and_cannot_do_one(app: Flask) -> None:
    _event(_packed(PAYLOAD), state="dead", next_try_at=None)
    desk = staff(app, "support")

    desk.post("/admin/webhooks/evt_1/replay", {"replay-reason": "Why not"}, expect=403)
    desk.post("/admin/webhooks/replay", {"events": "evt_1", "reason": "Why not"}, expect=403)
    assert db.session.get_one(WebhookEvent, "evt_1").state == "dead"
