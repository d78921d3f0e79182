"""An event is kept with its effect, or kept waiting; it is never lost and never counted twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.errors import GatewayUnavailable, Unknown
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.wanted_object import WantedObject
from app.models.webhook_event import WebhookEvent
from app.webhooks import inbox, operations
from app.webhooks.envelope import of
from tests.webhooks.fakes import FakeGateway
from tests.webhooks.signing import charge, customer, event

T = 1_790_000_000


def take(*events: dict[str, Any]) -> None:
    inbox.take_in([of(said) for said in events])


def kept(event_id: str) -> WebhookEvent:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(WebhookEvent, event_id)


def count(model: type[Any]) -> int:
    return len(db.session.scalars(select(model)).all())


def make_due(event_id: str) -> None:
    with transaction():
        db.session.execute(text("UPDATE webhook_events SET next_try_at = received_at WHERE id = :id"), {"id": event_id})


def test_an_event_and_its_effect_are_kept_together(app: Flask) -> None:
    take(event("customer.created", customer("cus_1", email="ana@example.com"), id="evt_a"))

    assert db.session.get_one(Customer, "cus_1").email == "ana@example.com"
    row = kept("evt_a")
    assert (row.state, row.attempts, row.deliveries, row.error, row.next_try_at) == ("processed", 1, 1, None, None)
    assert (row.type, row.object_id, row.object_type, row.source) == (
        "customer.created",
        "cus_1",
        "customer",
        "webhook",
    )


def test_an_event_that_comes_again_is_counted_and_changes_nothing(app: Flask) -> None:
    told = event("customer.created", customer("cus_1", name="Ana"), id="evt_a")
    take(told)
    with transaction():
        db.session.get_one(Customer, "cus_1").name = "Changed since"
    take(told)
    take(told, told)

    assert db.session.get_one(Customer, "cus_1").name == "Changed since"
    assert (kept("evt_a").deliveries, kept("evt_a").state, count(WebhookEvent)) == (4, "processed", 1)


def test_older_news_never_overwrites_newer(app: Flask) -> None:
    for minute in (2, 1, 0):
        said = charge("ch_1", amount_refunded=500 * minute)
        take(event("charge.updated", said, id=f"evt_{minute}", created=T + 60 * minute))

    assert db.session.get_one(Charge, "ch_1").amount_refunded == 1_000
    assert [kept(f"evt_{minute}").state for minute in (2, 1, 0)] == ["processed", "superseded", "superseded"]


def test_within_one_batch_too_the_newest_news_of_an_object_wins(app: Flask) -> None:
    take(
        event("charge.updated", charge("ch_1", amount_refunded=900), id="evt_new", created=T + 60),
        event("charge.succeeded", charge("ch_1", amount_refunded=0), id="evt_old", created=T),
        event("customer.created", customer("cus_1"), id="evt_other"),
    )

    assert db.session.get_one(Charge, "ch_1").amount_refunded == 900
    assert [kept(i).state for i in ("evt_new", "evt_old", "evt_other")] == ["processed", "superseded", "processed"]


def test_what_we_have_no_table_for_is_kept_and_ignored(app: Flask) -> None:
    take(
        event("balance.available", {"object": "balance"}, id="evt_a"),
        event("invoice.upcoming", {"object": "invoice"}, id="evt_b"),
        event("customer.source.created", {"id": "src_1", "object": "source"}, id="evt_c"),
        event("something.new", {"id": "new_1", "object": "new"}, id="evt_d"),
    )

    assert [kept(f"evt_{letter}").state for letter in "abcd"] == ["ignored"] * 4


def test_a_refund_told_by_the_old_event_name_is_a_refund(app: Flask) -> None:
    refund = {
        "id": "re_1", "object": "refund", "amount": 500, "currency": "eur", "status": "succeeded", "charge": "ch_1",
        "created": T, "metadata": {},
    }  # fmt: skip
    take(event("charge.refund.updated", refund, id="evt_a"))

    assert kept("evt_a").state == "processed"
    assert db.session.execute(text("SELECT status FROM refunds WHERE stripe_id = 're_1'")).scalar_one() == "succeeded"


def test_the_state_of_a_dispute_comes_from_the_object_and_not_from_the_events_name(app: Flask) -> None:
    dispute = {
        "id": "du_1", "object": "dispute", "amount": 500, "currency": "eur", "status": "won", "charge": "ch_1",
        "created": T, "metadata": {}, "reason": "fraudulent", "is_charge_refundable": False, "balance_transactions": [],
        "evidence": {}, "evidence_details": {"due_by": None, "has_evidence": False, "past_due": False, "submission_count": 1},
    }  # fmt: skip
    take(event("charge.dispute.funds_reinstated", dispute, id="evt_a"))

    assert kept("evt_a").state == "processed"
    assert db.session.execute(text("SELECT status FROM disputes WHERE id = 'du_1'")).scalar_one() == "won"


def test_a_deletion_marks_the_row_and_keeps_what_it_said(app: Flask) -> None:
    take(event("customer.created", customer("cus_1", name="Ana"), created=T))
    take(event("customer.deleted", customer("cus_1", name="Ana"), created=T + 5))
    take(event("customer.updated", customer("cus_1", name="Late"), id="evt_late", created=T + 1))

    gone = db.session.get_one(Customer, "cus_1")
    assert (gone.name, gone.deleted_at) == ("Ana", datetime.fromtimestamp(T + 5, UTC))
    assert kept("evt_late").state == "superseded"


def test_nul_and_half_characters_are_replaced_visibly(app: Flask) -> None:
    take(event("customer.created", customer("cus_1", name="A\0Z", metadata={"k\0": "v\0"}), id="evt_a"))

    row = db.session.get_one(Customer, "cus_1")
    assert (row.name, row.labels) == ("A\ufffdZ", {"k\ufffd": "v\ufffd"})
    assert kept("evt_a").state == "processed"


def test_one_event_that_cannot_be_understood_spoils_nothing_for_the_others(app: Flask) -> None:
    take(
        event("customer.created", customer("cus_1"), id="evt_good"),
        event("charge.succeeded", {"id": "ch_bad", "object": "banana"}, id="evt_bad"),
        event("charge.succeeded", charge("ch_huge", amount=10**30), id="evt_huge"),
    )

    assert (kept("evt_good").state, count(Customer), count(Charge)) == ("processed", 1, 0)
    bad = kept("evt_bad")
    assert (bad.state, bad.attempts, bad.processed_at) == ("waiting", 1, None)
    assert bad.error == "NotUnderstood: charge.succeeded carries banana, not a charge."
    assert bad.next_try_at is not None
    assert timedelta(seconds=4) < bad.next_try_at - clock.now() <= timedelta(seconds=5)
    assert kept("evt_huge").state == "waiting"


def test_the_error_of_the_database_is_kept_without_the_values(app: Flask) -> None:
    take(event("charge.succeeded", charge("ch_1", amount="4242 Ana"), id="evt_a"))

    assert kept("evt_a").error == "InvalidTextRepresentation: invalid input syntax for type bigint: [value]"


def test_a_failed_event_that_is_delivered_again_is_understood_then(app: Flask) -> None:
    take(event("charge.succeeded", {"id": "ch_1", "object": "banana"}, id="evt_a"))
    take(event("charge.succeeded", charge("ch_1"), id="evt_a"))

    row = kept("evt_a")
    assert (row.state, row.deliveries, count(Charge)) == ("processed", 2, 1)
    assert row.error == "NotUnderstood: charge.succeeded carries banana, not a charge."


def test_a_waiting_event_is_tried_again_and_dies_in_the_end(app: Flask) -> None:
    take(event("charge.succeeded", {"id": "ch_1", "object": "banana"}, id="evt_a"))
    assert inbox.waiting(10) == []
    waits = []
    for _ in range(2, inbox.MOST_ATTEMPTS + 1):
        make_due("evt_a")
        assert inbox.waiting(10) == ["evt_a"]
        assert inbox.understand("evt_a", FakeGateway()) is True
        waits.append(kept("evt_a").next_try_at)

    row = kept("evt_a")
    assert (row.state, row.attempts, row.next_try_at) == ("dead", inbox.MOST_ATTEMPTS, None)
    assert inbox.understand("evt_a", FakeGateway()) is False
    assert all(wait is not None and wait - clock.now() <= timedelta(minutes=10) for wait in waits[:-1])


def test_two_different_truths_of_one_second_are_decided_by_reading(app: Flask) -> None:
    take(event("charge.succeeded", charge("ch_1", description="one"), id="evt_a"))
    take(event("charge.updated", charge("ch_1", description="two"), id="evt_b"))
    assert (kept("evt_b").state, db.session.get_one(Charge, "ch_1").description) == ("waiting", "one")
    gateway = FakeGateway({"/v1/charges/ch_1": charge("ch_1", description="three")})

    assert inbox.waiting(10) == ["evt_b"]
    db.session.rollback()
    assert inbox.understand("evt_b", gateway) is True

    assert gateway.asked == ["/v1/charges/ch_1"]
    assert kept("evt_b").state == "processed"
    assert db.session.get_one(Charge, "ch_1").description == "three"


def test_while_stripe_is_away_a_doubtful_event_waits(app: Flask) -> None:
    take(event("charge.succeeded", charge("ch_1", description="one")))
    take(event("charge.updated", charge("ch_1", description="two"), id="evt_b"))

    assert inbox.understand("evt_b", FakeGateway(error=GatewayUnavailable("Stripe does not answer."))) is True

    row = kept("evt_b")
    assert (row.state, row.attempts, row.error) == ("waiting", 2, "GatewayUnavailable: Stripe does not answer.")
    assert inbox.waiting(10) == []


def test_whoever_dies_with_an_event_in_hand_leaves_it_to_the_next(app: Flask) -> None:
    take(event("charge.succeeded", charge("ch_1", description="one")))
    take(event("charge.updated", charge("ch_1", description="two"), id="evt_b"))

    with pytest.raises(KeyboardInterrupt):
        inbox.understand("evt_b", FakeGateway(error=KeyboardInterrupt()))  # type: ignore[arg-type]

    row = kept("evt_b")
    assert (row.state, row.attempts) == ("waiting", 2)
    assert row.next_try_at is not None
    assert row.next_try_at - clock.now() <= timedelta(minutes=1)


def test_of_a_listed_page_only_what_was_missed_is_taken_in(app: Flask) -> None:
    delivered = event("customer.created", customer("cus_1"), id="evt_a")
    missed = event("customer.created", customer("cus_2"), id="evt_b")
    strange = event("customer.created", customer("cus_3"), id="evt_c", account="acct_stranger")
    take(delivered)

    inbox.take_in_listed([delivered, missed, strange, {"id": "evt_d"}])
    inbox.take_in_listed([delivered, missed])

    assert [(kept(i).source, kept(i).deliveries) for i in ("evt_a", "evt_b")] == [("webhook", 1), ("catch-up", 1)]
    assert (count(WebhookEvent), count(Customer)) == (2, 2)


def test_a_replay_tries_a_dead_event_again_and_says_who_did_it(app: Flask) -> None:
    take(event("charge.succeeded", {"id": "ch_1", "object": "banana"}, id="evt_a"))
    with transaction():
        db.session.execute(text("UPDATE webhook_events SET state = 'dead', attempts = 40, next_try_at = NULL"))

    assert operations.replay("evt_a", FakeGateway(), actor=Actor.command("replay"), reason="fixed") == "waiting"

    row = kept("evt_a")
    assert (row.attempts, row.error) == (1, "NotUnderstood: charge.succeeded carries banana, not a charge.")
    [entry] = db.session.scalars(select(AuditLog)).all()
    assert (entry.actor, entry.action, entry.object_id, entry.reason) == ("replay", "event.replayed", "evt_a", "fixed")
    assert (entry.before or {})["state"] == "dead"


def test_a_replay_of_what_was_understood_changes_nothing(app: Flask) -> None:
    take(event("customer.created", customer("cus_1", name="Old"), id="evt_a", created=T))
    take(event("customer.updated", customer("cus_1", name="New"), created=T + 1))

    assert operations.replay("evt_a", FakeGateway(), actor=Actor.command("replay")) == "superseded"
    assert db.session.get_one(Customer, "cus_1").name == "New"


def test_an_unknown_event_cannot_be_replayed(app: Flask) -> None:
    with pytest.raises(Unknown, match="There is no event evt_none"):
        operations.replay("evt_none", FakeGateway(), actor=Actor.command("replay"))
    assert count(AuditLog) == 0


def test_mandates_that_events_name_are_wanted_once(app: Flask) -> None:
    debit = {"type": "sepa_debit", "sepa_debit": {"mandate": "mandate_1"}}
    intent = {
        "id": "seti_1", "object": "setup_intent", "created": T, "status": "succeeded", "usage": "off_session",
        "mandate": {"id": "mandate_2", "object": "mandate"}, "single_use_mandate": "mandate_1", "metadata": {},
    }  # fmt: skip
    take(event("charge.pending", charge("ch_1", payment_method_details=debit)))
    take(event("charge.pending", charge("ch_2", payment_method_details=debit)), event("setup_intent.succeeded", intent))

    wanted = db.session.scalars(select(WantedObject).order_by(WantedObject.id)).all()
    assert [(row.kind, row.id) for row in wanted] == [("mandate", "mandate_1"), ("mandate", "mandate_2")]


def test_a_wait_from_before_the_clock_was_set_back_is_over(app: Flask) -> None:
    take(event("charge.succeeded", {"id": "ch_1", "object": "banana"}, id="evt_a"))
    with transaction():
        later = {"at": clock.now() + timedelta(hours=1), "id": "evt_a"}
        db.session.execute(text("UPDATE webhook_events SET next_try_at = :at WHERE id = :id"), later)

    assert inbox.waiting(10) == ["evt_a"]
