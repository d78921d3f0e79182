"""The words of an erased person leave the trail, and the trail is still whole, and still betrays everything else."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app import clock
from app.actor import Actor
from app.audit import chain, erasing, trail
from app.audit.chain import Broken
from app.database import db, transaction
from app.models.audit_log import AuditLog
from app.models.erasure import Erasure
from tests import factories

ANA = Actor("staff", "ana@shop.example", ip="203.0.113.7")


def _write(*, old: bool = False) -> None:
    """Five entries; `old`: as they were hashed before words could go."""
    for number in range(1, 6):
        with transaction():
            trail.record(
                ANA,
                "refund.requested",
                "refund",
                f"r-{number}",
                reason=f"Quetzal phoned, {number}",
                before={},
                after={"amount": f"{number}.00 EUR", "name": "Quetzal", "nested": {"mail": ["q@example.com"]}},
            )
    if old:
        _unguarded(
            "UPDATE audit_logs SET version = 1, salt = NULL",
            *(
                f"UPDATE audit_logs a SET previous_hash = coalesce((SELECT b.hash FROM audit_logs b WHERE b.id = a.id - 1), "
                f"sha256(''::bytea)) WHERE id = {number}; UPDATE audit_logs a SET hash = audit_hash(a) WHERE id = {number}"
                for number in range(1, 6)
            ),
        )


def _unguarded(*statements: str) -> None:
    with transaction():
        db.session.execute(text("ALTER TABLE audit_logs DISABLE TRIGGER ALL"))
        for statement in statements:
            db.session.execute(text(statement))
        for name in ("audit_chain", "audit_only_grows", "audit_only_words_go"):
            db.session.execute(text(f"ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER {name}"))


def _erasure(state: str = "running") -> UUID:
    account = factories.account()
    with transaction():
        erasure = Erasure(
            id=uuid4(),
            account_id=account.id,
            customer_id="cus_q",
            state=state,
            asked_by="ana@shop.example",
            reason="Asked for it",
            obstacles=[],
            begun_at=clock.now(),
            done_at=clock.now() if state == "done" else None,
        )
        db.session.add(erasure)
    return erasure.id


def _take_out(erasure_id: UUID, gone: dict[int, list[str]]) -> None:
    with transaction():
        erasing.take_out(gone, erasure_id=erasure_id, account_id=1, actor=Actor.job("erase_persons"))


def _entry(number: int) -> AuditLog:
    return db.session.get_one(AuditLog, number, populate_existing=True)


@pytest.mark.parametrize("old", [False, True])
def test_words_go_and_the_trail_is_whole(committed: Flask, old: bool) -> None:
    _write(old=old)
    before = chain.head()
    erasure = _erasure()

    _take_out(erasure, {2: ["reason", "after.name"], 4: ["reason", "after.nested", "object_id", "actor", "ip"]})

    second, fourth = _entry(2), _entry(4)
    assert (second.reason, second.after) == (
        None,
        {"amount": "2.00 EUR", "name": None, "nested": {"mail": ["q@example.com"]}},
    )
    assert (fourth.actor, fourth.object_id, fourth.ip, fourth.reason) == ("erased", "erased", None, None)
    assert fourth.after == {"amount": "4.00 EUR", "name": "Quetzal", "nested": None}
    assert (second.before, second.salt) == ({}, None)
    assert chain.verify(before) is None
    assert chain.erased() == (2, 1)
    assert _entry(6).after == {"erasure": str(erasure), "entries": {"2": _seal(2, old), "4": _seal(4, old)}}


def _seal(number: int, old: bool) -> str | None:
    if not old:
        return None
    seal = db.session.execute(
        text("SELECT sha256(a.hash || audit_rest(a)) FROM audit_logs a WHERE id = :id"), {"id": number}
    )
    return bytes(seal.scalar_one()).hex()


@pytest.mark.parametrize("old", [False, True])
def test_words_can_go_in_two_steps_and_a_step_done_twice_changes_nothing(committed: Flask, old: bool) -> None:
    _write(old=old)
    erasure = _erasure()

    for fields in (["reason"], ["after.name"], ["reason", "after.name"]):
        _take_out(erasure, {2: fields})

    assert (_entry(2).reason, _entry(2).after["name"]) == (None, None)
    assert chain.verify() is None


EDITS = {
    "what is left": "UPDATE audit_logs SET after = jsonb_set(after, '{amount}', '\"9.00 EUR\"') WHERE id = 2",
    "another reason": "UPDATE audit_logs SET reason = 'Something else' WHERE id = 2",
    "other words": "UPDATE audit_logs SET after = jsonb_set(after, '{name}', '\"Other\"') WHERE id = 2",
    "a digest": "UPDATE audit_logs SET digests = jsonb_set(digests, '{reason}', '\"00\"') WHERE id = 2",
    "when": "UPDATE audit_logs SET at = at + interval '1 second' WHERE id = 2",
    "a field left out": "UPDATE audit_logs SET after = after - 'nested' WHERE id = 2",
}


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_of_an_entry_whose_words_are_gone_is_named(committed: Flask, edit: str, old: bool) -> None:
    _write(old=old)
    _take_out(_erasure(), {2: ["reason", "after.name"]})
    _unguarded(edit)

    assert chain.verify() == Broken(2, "the entry was changed after an erasure took words out of it")


@pytest.mark.parametrize("old", [False, True])
def test_words_that_somebody_took_out_alone_are_named(committed: Flask, old: bool) -> None:
    _write(old=old)
    erasure = _erasure()
    _take_out(erasure, {2: ["reason"]})
    with transaction():
        erasing.begin(erasure)
        db.session.execute(text("SELECT audit_erase(3, ARRAY['reason'])"))

    assert chain.verify() == Broken(3, "words are missing from it, and no erasure says that it took them")


@pytest.mark.parametrize("old", [False, True])
def test_a_removed_entry_beside_erased_ones_is_named(committed: Flask, old: bool) -> None:
    _write(old=old)
    _take_out(_erasure(), {2: ["reason"], 4: ["reason"]})
    _unguarded("DELETE FROM audit_logs WHERE id = 3")

    assert chain.verify() == Broken(3, "the entry is missing")


def test_an_entry_that_was_changed_before_keeps_its_words_until_somebody_looked(committed: Flask) -> None:
    _write()
    erasure = _erasure()
    _unguarded("UPDATE audit_logs SET reason = 'forged' WHERE id = 2")

    with pytest.raises(IntegrityError, match="entry 2 is not what was written"):
        _take_out(erasure, {2: ["reason"]})

    assert _entry(2).reason == "forged"
    assert chain.verify() == Broken(2, "the entry was changed after it was written")


def test_the_database_lets_nothing_but_words_go(committed: Flask) -> None:
    _write()
    erasure = _erasure()
    _take_out(erasure, {1: ["reason"]})
    refused = (
        "UPDATE audit_logs SET reason = NULL WHERE id = 2",
        "UPDATE audit_logs SET action = 'x' WHERE id = 2",
        "UPDATE audit_logs SET reason = 'back' WHERE id = 1",
        "UPDATE audit_logs SET digests = NULL, salts = NULL, erasure_id = NULL WHERE id = 1",
        "SELECT audit_erase(6, ARRAY['after.entries'])",
        "DELETE FROM audit_logs WHERE id = 2",
        "TRUNCATE audit_logs",
    )

    for statement in refused:
        with pytest.raises(ProgrammingError, match="audit_logs only grows"), transaction():
            erasing.begin(erasure)
            db.session.execute(text(statement))
    assert chain.verify() is None


def _none() -> UUID:
    return uuid4()


def _ended() -> UUID:
    return _erasure("done")


@pytest.mark.parametrize("made", [_none, _ended])
def test_nothing_goes_without_an_erasure_that_is_under_way(committed: Flask, made: Callable[[], UUID]) -> None:
    _write()
    erasure = made()

    with pytest.raises(ProgrammingError, match="audit_logs only grows"):
        _take_out(erasure, {2: ["reason"]})

    assert _entry(2).reason == "Quetzal phoned, 2"


def test_an_erasure_begun_in_the_same_transaction_takes_nothing(committed: Flask) -> None:
    _write()
    account = factories.account()
    with pytest.raises(ProgrammingError, match="audit_logs only grows"), transaction():
        erasure = Erasure(
            id=uuid4(),
            account_id=account.id,
            customer_id="cus_q",
            state="running",
            asked_by="ana@shop.example",
            reason="In passing",
            obstacles=[],
            begun_at=clock.now(),
        )
        db.session.add(erasure)
        db.session.flush()
        erasing.take_out({2: ["reason"]}, erasure_id=erasure.id, account_id=account.id, actor=ANA)

    assert _entry(2).reason == "Quetzal phoned, 2"
