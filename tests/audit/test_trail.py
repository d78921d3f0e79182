"""Acts are written down with the act itself, as sentences, and without what must not be kept."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.actor import Actor
from app.audit import trail
from app.audit.sentences import SENTENCES, sentence
from app.database import db, transaction
from app.models.audit_log import AuditLog
from app.money import MinorUnits, Money

ANA = Actor("staff", "ana@shop.example", ip="203.0.113.7", request_id="req-1")


def _entries() -> list[AuditLog]:
    return list(db.session.execute(select(AuditLog).order_by(AuditLog.id)).scalars())


def test_an_entry_holds_who_what_before_after_why_and_where_from(app: Flask) -> None:
    with transaction():
        trail.record(
            ANA,
            "refund.requested",
            "refund",
            "r-1",
            reason="Arrived broken",
            before={"refundable": Money(MinorUnits(5_000), "eur")},
            after={
                "amount": Money(MinorUnits(2_000), "eur"),
                "charge": "ch_1",
                "at": datetime(2026, 11, 23, tzinfo=UTC),
            },
        )

    [entry] = _entries()
    assert (entry.actor_kind, entry.actor, entry.ip, entry.request_id) == (
        "staff",
        "ana@shop.example",
        "203.0.113.7",
        "req-1",
    )
    assert (entry.action, entry.object_type, entry.object_id) == ("refund.requested", "refund", "r-1")
    assert entry.reason == "Arrived broken"
    assert entry.before == {"refundable": "50.00 EUR"}
    assert entry.after == {"amount": "20.00 EUR", "charge": "ch_1", "at": "2026-11-23T00:00:00+00:00"}
    assert sentence(entry) == "ana@shop.example asked for a refund of 20.00 EUR of ch_1"


def test_an_act_that_did_not_happen_leaves_no_entry(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        trail.record(ANA, "refund.requested", "refund", "r-1")
        _ = 1 / 0

    assert _entries() == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("nul \0 in it", "nul \N{REPLACEMENT CHARACTER} in it"),
        ("half \ud83d of a pair", "half ? of a pair"),
        ("his card is 4242 4242 4242 4242", "his card is [card number]"),
        ("key sk_live_abcdef123", "key [secret]"),
        ("two\r\nlines {fake}", "two\r\nlines {fake}"),
        ("x" * 3_000, "x" * 2_000),
    ],
)
def test_what_a_person_types_is_kept_without_what_may_not_be_kept(app: Flask, typed: str, kept: str) -> None:
    with transaction():
        trail.record(ANA, "refund.requested", "refund", "r-1", reason=typed, after={"note": [typed]})

    [entry] = _entries()
    assert entry.reason == kept
    assert entry.after == {"note": [kept]}


def test_what_has_no_words_is_refused_before_anything_is_written(app: Flask) -> None:
    with pytest.raises(TypeError, match="object has no place"), transaction():
        trail.record(ANA, "refund.requested", "refund", "r-1", after={"what": object()})

    assert _entries() == []


@pytest.mark.parametrize("action", [*SENTENCES, "something.new"])
def test_every_act_reads_as_a_sentence_even_with_nothing_known_about_it(app: Flask, action: str) -> None:
    with transaction():
        trail.record(ANA, action, "refund", "r-1")

    words = sentence(_entries()[0])
    assert "{" not in words
    assert "r-1" in words or "ana@shop.example" in words


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE audit_logs SET reason = 'another'",
        "DELETE FROM audit_logs",
        "TRUNCATE audit_logs",
        "UPDATE audit_logs SET reason = 'another' WHERE id = -1",
        "SET session_replication_role = replica; DELETE FROM audit_logs",
    ],
)
def test_the_database_refuses_to_change_the_trail(app: Flask, forbidden: str) -> None:
    with transaction():
        trail.record(ANA, "refund.requested", "refund", "r-1", reason="the true one")

    # Only a superuser gets as far as the trigger with the last one; anybody else is stopped before.
    with pytest.raises(DBAPIError, match=r"audit_logs only grows|permission denied to set parameter"), transaction():
        db.session.execute(text(forbidden))

    assert [entry.reason for entry in _entries()] == ["the true one"]


def test_a_hand_written_insert_is_in_the_chain_like_any_other(app: Flask) -> None:
    with transaction():
        trail.record(ANA, "refund.requested", "refund", "r-1")
        db.session.flush()
        db.session.execute(
            text(
                "INSERT INTO audit_logs (at, actor_kind, actor, action, object_type, object_id, previous_hash, hash) "
                "VALUES (now(), 'job', 'forged', 'refund.settled', 'refund', 'r-1', '\\x00', '\\x00')"
            )
        )

    first, second = _entries()
    assert (first.id, second.id) == (1, 2)
    assert second.previous_hash == first.hash
    assert second.hash != b"\0"
